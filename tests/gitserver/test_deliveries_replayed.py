"""Replays of what was not fetched: ignored deliveries under other filters, and refused ones."""

import pytest

from stratum.model import DeliveryState
from tests.deliveries import encoded, push
from tests.hooked import EACH, OTHER, Hook


def replayed(hook: Hook, number: int):
    return hook.try_api("POST", f"/deliveries/{number}/replay")


@EACH
def test_what_was_ignored_is_fetched_by_a_replay_once_its_web_hook_deploys_it(hook):
    number = hook.send(push(hook.provider, "topic"))[1]["delivery"]
    hook.api("PATCH", f"/{hook.id}", {"branches": ["topic"]})

    status, said = replayed(hook, number)

    assert (status, said["delivery"]) == (202, hook.newest().id)
    again = hook.newest()
    assert (again.state, again.branch, again.commit) == (DeliveryState.QUEUED, "topic", "2" * 40)
    assert again.reason == f"replay of {number}"


def test_what_would_be_ignored_again_is_told_so(hook):
    number = hook.send(push("github", "topic"))[1]["delivery"]

    status, said = replayed(hook, number)

    assert (status, said["error"]) == (409, "conflict")
    assert said["message"] == (
        f"Delivery {number} would be ignored again: topic is not among its branches (master, main)."
    )
    assert hook.count() == 1


def test_a_ping_is_not_made_a_push_by_a_replay(hook):
    number = hook.send({"zen": "x"}, **{"X-GitHub-Event": "ping"})[1]["delivery"]
    hook.api("PATCH", f"/{hook.id}", {"branches": ["**"]})

    assert replayed(hook, number)[0] == 409


def test_what_is_not_kept_whole_cannot_be_read_again(hook):
    body = encoded({**push("github", "topic"), "padding": "x" * (64 << 10)})
    number = hook.send(body)[1]["delivery"]
    hook.api("PATCH", f"/{hook.id}", {"branches": ["topic"]})

    status, said = replayed(hook, number)

    assert (status, said["message"]) == (409, f"Delivery {number} was ignored, and is not kept whole.")


@pytest.mark.parametrize("kind", ["another secret", "none", "malformed", "disabled"])
def test_what_was_refused_stays_refused_whatever_has_changed_since(hook, kind):
    """Nobody knows who had sent it, or what it said: its body is not even kept."""
    if kind == "disabled":
        hook.api("PATCH", f"/{hook.id}", {"enabled": False})
    body, secret = b"{" if kind == "malformed" else None, OTHER if kind == "another secret" else ""
    assert hook.send(body, secret=secret, sent={} if kind == "none" else None)[0] in (400, 401, 403)
    refused = hook.newest()
    hook.api("PATCH", f"/{hook.id}", {"enabled": True, "branches": ["**"]})

    status, said = replayed(hook, refused.id)

    assert (status, refused.state) == (409, DeliveryState.REFUSED)
    assert said["message"] == f"Delivery {refused.id} was refused: {refused.reason}."
    assert hook.count() == 1
    assert hook.api("GET", f"/deliveries/{refused.id}")["body"] is None
