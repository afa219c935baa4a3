"""What is written down of what a git server delivers, and who may learn what of it."""

import json

import pytest

from gitserver import places
from hooks.webhooks import intake
from stratum.model import DeliveryState
from stratum.store import deliveries
from stratum.store.database import driver
from stratum.verbs.webhooks import live_secrets
from tests.deliveries import encoded, headers, push
from tests.hooked import CLONE_URL, EACH, OTHER


def deleted(provider):
    text = json.dumps(push(provider, "main"))
    body = json.loads(text.replace("2" * 40, "0" * 40))
    if provider == "bitbucket":
        body["push"]["changes"][0]["new"] = None
    return body


@EACH
def test_what_is_to_be_fetched_is_202_once(hook):
    status, said = hook.send()

    assert (status, said["verdict"], said["delivery"]) == (202, "queued", hook.newest().id)
    assert hook.newest().state is DeliveryState.QUEUED
    status, again = hook.send()
    assert (status, again["verdict"], again["delivery"]) == (200, "repeated", said["delivery"])
    assert (hook.count(), hook.newest().repeats) == (1, 1)


@pytest.mark.parametrize(
    ("body", "sent", "reason"),
    [
        (None, {"secret": OTHER}, "its signature (x-hub-signature-256) is not of this secret and this body"),
        (b"{", {}, "its body is no JSON"),
        (b" " * ((25 << 20) + 1), {"sent": {}}, "it is larger than 25 MiB"),
    ],
    ids=["another secret", "cut off", "too large"],
)
def test_what_is_refused_stands_in_the_record_with_the_reason(hook, body, sent, reason):
    hook.send(body, **sent)

    assert (hook.newest().state, hook.newest().reason) == (DeliveryState.REFUSED, reason)


def test_on_a_full_disk_what_is_refused_is_told_so_and_what_would_be_taken_is_to_come_later(hook):
    with hook.database.read() as tx:
        driver(tx).execute("PRAGMA max_page_count=1").close()  # it is given no page more than it has
    large = {f"X-Padding-{number}": "x" * 500 for number in range(50)}

    assert hook.send(secret=OTHER, **large)[0] == 401
    assert hook.send(b"{", **large)[0] == 400
    assert hook.send(**large)[0] == 503
    assert hook.count() == 0


@pytest.mark.parametrize(("secret", "status"), [("", 404), (OTHER, 401)], ids=["signed", "not signed"])
def test_a_web_hook_that_is_removed_meanwhile_is_not_there(hook, monkeypatch, secret, status):
    def remove(*given):
        hook.api("DELETE", f"/{hook.id}")
        return live_secrets(*given)

    monkeypatch.setattr(intake, "live_secrets", remove)

    assert hook.send(secret=secret)[0] == status
    assert hook.count() == 0


@EACH
def test_a_body_that_comes_in_pieces_is_taken_up_to_the_same_size(hook):
    body = encoded(push(hook.provider, "topic"))
    most = 25 << 20

    assert hook.send_in_pieces(body.ljust(most))[0] == 200
    assert hook.send_in_pieces(body.ljust(most + 1))[0] == 413
    assert hook.newest().reason == "it is larger than 25 MiB"


@EACH
def test_what_deploys_nothing_is_200_with_the_reason(hook):
    for body, reason in (
        (push(hook.provider, "topic"), "topic is not among its branches (master, main)"),
        (deleted(hook.provider), "main was deleted, which deploys nothing"),
    ):
        status, said = hook.send(body)
        assert (status, said["verdict"], said["reason"]) == (200, "ignored", reason)
        assert hook.newest().reason == reason


def test_a_ping_is_answered(hook):
    status, said = hook.send({"zen": "x"}, **{"X-GitHub-Event": "ping"})

    assert (status, said["verdict"], said["reason"]) == (200, "ignored", "a ping; all is well")


def test_a_commit_may_ask_to_be_left_out(hook):
    body = push("github", "main")
    body["head_commit"]["message"] = "Fix a word\n\n[skip deploy]"

    assert hook.send(body)[1]["reason"] == "the newest commit of main says [skip deploy]"


def test_patterns_of_branches_and_files_decide(hook):
    hook.api("PATCH", f"/{hook.id}", {"branches": ["release/*", "!release/0"], "paths": ["src/**"]})

    assert hook.send(push("github", "main"))[0] == 200
    assert hook.send(push("github", "release/0"))[0] == 200
    assert hook.send(push("github", "release/1"))[0] == 202


def test_after_a_rotation_both_secrets_are_live_and_at_once_only_the_new_one(hook):
    new = hook.api("POST", f"/{hook.id}/rotate", {})["secret"]

    assert hook.send(push("github", "topic"))[0] == 200
    assert hook.send(push("github", "topic"), secret=new)[0] == 200
    last = hook.api("POST", f"/{hook.id}/rotate", {"at_once": True})["secret"]
    assert hook.send(push("github", "topic"), secret=new)[0] == 401
    assert hook.send(push("github", "topic"), secret=last)[0] == 200


def test_those_who_send_slowly_hold_no_more_than_their_own_places(hook, monkeypatch):
    """No sign-in stands before them, so that whoever knows an address could take every thread."""
    monkeypatch.setattr(places, "WAIT_S", 0.01)
    budget = hook.places.deliveries
    assert [budget.take() for _ in range(budget.size)] == [True] * budget.size

    status, said = hook.send()
    hook.api("GET", "")  # others are served

    assert (status, said["error"]) == (503, "unavailable")
    budget.leave()
    assert hook.send()[0] == 202
    assert hook.send()[0] == 200  # each gives its place back


def test_one_who_sends_what_is_refused_again_and_again_fills_no_record(hook):
    for _ in range(30):
        hook.send(secret=OTHER)

    assert hook.count() < 30


def test_what_a_sender_signs_in_elsewhere_with_is_masked(hook):
    """Between it and us there may be something else that asks for a key."""
    assert hook.send(**{"X-Api-Key": "s3cret", "X-Auth": "s3cret", "X-Event-Key": "shown"})[0] == 202

    shown = hook.newest().headers
    assert (shown["x-api-key"], shown["x-auth"], shown["x-event-key"]) == ("(masked)", "(masked)", "shown")


def test_the_record_is_bounded(hook, monkeypatch):
    monkeypatch.setattr(deliveries, "KEPT", 25)
    monkeypatch.setattr(deliveries, "BODIES_KEPT", 5)
    for number in range(60):
        body = encoded(push("github", "topic"))
        assert hook.send(body, sent=headers("github", body, hook.secret, f"d-{number}"))[0] == 200

    assert 25 <= hook.count() < 25 + deliveries.PRUNE_EVERY
    with hook.side.db.read() as tx:
        kept = [deliveries.body_of(tx, one.id) for one in deliveries.list_deliveries(tx, hook.app.id, 100)]
    assert kept[0]
    assert not kept[-1]


def test_the_records_of_all_web_hooks_are_bounded_whichever_deliver_in_turns(hook, monkeypatch):
    """Of two web hooks of one repository one always has the odd numbers, and the other the even ones."""
    monkeypatch.setattr(deliveries, "KEPT", 5)
    other = hook.api("POST", "", {"provider": "github", "clone_url": CLONE_URL})
    body = encoded(push("github", "topic"))
    for number in range(2 * deliveries.PRUNE_EVERY):
        for secret, path in ((hook.secret, hook.path), (other["secret"], other["path"])):
            sent = headers("github", body, secret, f"d-{number}")
            assert hook.send(body, path=path, sent=sent)[0] == 200

    assert hook.count() <= 2 * 5 + deliveries.PRUNE_EVERY


def test_a_token_is_given_to_no_other_server_than_the_one_it_was_given_for(hook):
    asked = {"provider": "github", "clone_url": CLONE_URL, "user": "me", "token": "s3cret"}
    made = hook.api("POST", "", asked)["id"]

    for url in ("https://evil.example.com/octo/app.git", "https://git.example.com:8443/octo/app.git"):
        status, said = hook.try_api("PATCH", f"/{made}", {"clone_url": url})
        assert (status, said["error"]) == (409, "conflict")
        assert "has a token for https://git.example.com, and not" in said["message"]
        assert hook.try_api("PATCH", f"/{hook.id}", {"clone_url": url})[0] == 200  # which has none
    assert hook.api("GET", f"/{made}")["clone_url"] == CLONE_URL
    assert (
        hook.try_api("PATCH", f"/{made}", {"clone_url": "https://git.example.com/octo/renamed.git"})[0] == 200
    )
