"""The status of every fault, of every provider: one table, and whatever else anybody may send."""

import copy
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitserver import places
from stratum.webhooks import Provider
from tests.deliveries import (
    NEW,
    OLD,
    PUSHES,
    ZERO,
    cloud_push,
    cloud_ref,
    encoded,
    event_headers,
    headers,
    push,
    standard_headers,
)
from tests.hooked import EACH, OTHER, Hook

Answer = tuple[int, Any]
Body = Mapping[str, Any] | bytes

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
EVENTS = {  # header that names it, and names of a ping and of something that deploys nothing
    "github": ("X-GitHub-Event", "ping", "issues"),
    "gitlab": ("X-Gitlab-Event", "", "Note Hook"),
    "gitea": ("X-Gitea-Event", "ping", "issues"),
    "bitbucket": ("X-Event-Key", "diagnostics:ping", "issue:created"),
    "bitbucket-dc": ("X-Event-Key", "diagnostics:ping", "project:modified"),
}


def signed(hook: Hook, body: Body, **changed: str | None) -> Answer:
    """Deliver what is rightly signed, with some of its headers changed or left out."""
    data = encoded(body)
    sent = {**headers(hook.provider, data, hook.secret, f"d-{time.monotonic_ns()}"), **changed}
    return hook.send(data, sent={name: value for name, value in sent.items() if value is not None})


def event(hook: Hook, number: int) -> Answer:
    if hook.provider == "generic":
        return signed(hook, {"type": ("ping", "deploy")[number]})
    header, *names = EVENTS[hook.provider]
    body = {"object_kind": "note"} if hook.provider == "gitlab" else {"zen": "Keep it simple."}
    return signed(hook, body, **{header: names[number] or names[1]})


def without_event(hook: Hook) -> Answer:
    if hook.provider == "generic":  # whose body names it
        return signed(hook, {"type": 7})
    return signed(
        hook, push(hook.provider, "main"), **{EVENTS[hook.provider][0]: None, "X-GitHub-Event": None}
    )


def as_form(hook: Hook) -> Answer:
    return signed(hook, urlencode({"payload": json.dumps(push(hook.provider, "main"))}).encode(), **FORM)


def tag(hook: Hook) -> Answer:
    if hook.provider == "bitbucket":
        return signed(hook, cloud_push({"old": None, "new": cloud_ref("v1", NEW, "tag")}))
    body = json.dumps(push(hook.provider, "x")).replace("refs/heads/x", "refs/tags/v1")
    return signed(hook, json.loads(body))


def deleted(hook: Hook) -> Answer:
    body = json.loads(json.dumps(push(hook.provider, "main")).replace(NEW, ZERO))
    if hook.provider == "bitbucket":
        body["push"]["changes"][0]["new"] = None
    return signed(hook, body)


def of_another_kind(hook: Hook) -> Answer:
    return signed(hook, json.loads(json.dumps(push(hook.provider, "main")).replace(f'"{NEW}"', "7")))


def another_body(hook: Hook) -> Answer:
    """Signed, but not this: GitLab's token alone says nothing of the body."""
    sent = headers(hook.provider, b"{}", hook.secret)
    if hook.provider == "gitlab":
        sent = {**event_headers("gitlab"), **standard_headers(b"{}")}
    return hook.send(push(hook.provider, "main"), sent=sent)


def long_ago(hook: Hook) -> Answer:
    """Where the scheme has a time; where it has none, there is nothing of the kind to be checked."""
    body = encoded(push(hook.provider, "main"))
    return hook.send(
        body, sent={**event_headers(hook.provider), **standard_headers(body, at=time.time() - 3600)}
    )


def disabled(hook: Hook, secret: str = "") -> Answer:
    hook.api("PATCH", f"/{hook.id}", {"enabled": False})
    found = hook.send(secret=secret)
    hook.api("PATCH", f"/{hook.id}", {"enabled": True})
    return found


def of_another_provider(hook: Hook) -> Answer:
    other = "gitea" if hook.provider != "gitea" else "github"
    return hook.send(path=f"/hooks/{other}/{hook.id}")


def with_no_room(hook: Hook) -> Answer:
    budget = hook.places.deliveries
    taken = [budget.take() for _ in range(budget.size)]
    found = hook.send()
    for _ in taken:
        budget.leave()
    return found


FAULTS: dict[str, tuple[Callable[[Hook], Answer], int, str]] = {
    "none": (lambda hook: hook.send(), 202, "queued"),
    "delivered again": (lambda hook: hook.send(), 200, "repeated"),
    "a form": (as_form, 202, "queued"),
    "a form without payload": (lambda hook: signed(hook, b"a=b", **FORM), 400, "malformed-delivery"),
    "a ping": (lambda hook: event(hook, 0), 200, "ignored"),
    "another event": (lambda hook: event(hook, 1), 200, "ignored"),
    "another branch": (lambda hook: signed(hook, push(hook.provider, "topic")), 200, "ignored"),
    "a tag": (tag, 200, "ignored"),
    "a deleted branch": (deleted, 200, "ignored"),
    "another secret": (lambda hook: hook.send(secret=OTHER), 401, "bad-signature"),
    "no signature": (lambda hook: hook.send(sent=event_headers(hook.provider)), 401, "bad-signature"),
    "no header at all": (lambda hook: hook.send(sent={}), 401, "bad-signature"),
    "a signature of another body": (another_body, 401, "bad-signature"),
    "a signature of long ago": (long_ago, 401, "bad-signature"),
    "cut off": (lambda hook: signed(hook, b"{"), 400, "malformed-delivery"),
    "empty": (lambda hook: signed(hook, b""), 400, "malformed-delivery"),
    "a list": (lambda hook: signed(hook, b"[]"), 400, "malformed-delivery"),
    "a number for a commit": (of_another_kind, 400, "malformed-delivery"),
    "no event": (without_event, 400, "malformed-delivery"),
    "cut off, another secret": (lambda hook: hook.send(b"{", secret=OTHER), 401, "bad-signature"),
    "disabled": (disabled, 403, "webhook-disabled"),
    "disabled, another secret": (lambda hook: disabled(hook, OTHER), 401, "bad-signature"),
    "of no web hook": (lambda hook: hook.send(path=f"/hooks/{hook.provider}/{'0' * 32}"), 404, "not-found"),
    "of another provider": (of_another_provider, 404, "not-found"),
    "of no provider": (lambda hook: hook.send(path=f"/hooks/nobody/{hook.id}"), 404, "not-found"),
    "too large": (lambda hook: hook.send(b" " * ((25 << 20) + 1), sent={}), 413, "too-large"),
    "no room": (with_no_room, 503, "unavailable"),
}


@EACH
def test_each_fault_has_its_status(hook, monkeypatch):
    monkeypatch.setattr(places, "WAIT_S", 0.01)
    found = {}
    for fault, (send, _, _) in FAULTS.items():
        status, said = send(hook)
        found[fault] = (status, said.get("verdict") or said["error"])

    assert found == {fault: (status, word) for fault, (_, status, word) in FAULTS.items()}


PRINTABLE = st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")
NAMES = [
    *("X-GitHub-Event", "X-Gitlab-Event", "X-Gitea-Event", "X-Event-Key", "Content-Type", "Webhook-Id"),
    *("X-GitHub-Delivery", "X-Hub-Signature-256", "X-Hub-Signature", "X-Gitea-Signature", "X-Gitlab-Token"),
    *("Webhook-Timestamp", "Webhook-Signature", "Content-Encoding", "X-A"),
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([OLD, ZERO, "\ud800", "\0", "refs/heads/x", ""])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ODD = [b"[" * 5000, b'{"ref": 1}', b"payload=%7B%7D", b'{"n": ' + b"9" * 5000 + b"}", b"\xff\xfe{}"]

HEAD = {"sha": NEW, "ref": "topic", "repo": {"full_name": "octo/fork", "fork": True}}
CLOUD_HEAD = {"branch": {"name": "topic"}, "commit": {"hash": NEW}, "repository": {"full_name": "a/b"}}
OTHERS: list[dict[str, Any]] = [
    {"sha": NEW, "state": "success"},
    *({name: {"head_sha": NEW}} for name in ("check_run", "check_suite", "workflow_run")),
    {"object_kind": "pipeline", "object_attributes": {"sha": NEW, "status": "success"}},
    {"commit_status": {"links": {"commit": {"href": f"https://git.example.com/commit/{NEW}"}}}},
    {"action": "opened", "number": 7, "pull_request": {"head": HEAD, "base": HEAD, "merged": False}},
    {"object_kind": "merge_request", "object_attributes": {"iid": 7, "action": "open", "last_commit": {}}},
    {"pullrequest": {"id": 7, "source": CLOUD_HEAD, "destination": CLOUD_HEAD}},
]
NAMED = [
    *("push", "status", "check_run", "check_suite", "workflow_run", "pull_request", "ping", "tag_push"),
    *("repo:push", "repo:commit_status_created", "repo:commit_status_updated", "repo:refs_changed"),
    *("pullrequest:created", "pullrequest:fulfilled", "pr:opened", "pr:merged", "Merge Request Hook"),
]


@st.composite
def bodies(draw: st.DrawFn, provider: str) -> bytes:
    """Bytes, oddities, or what a provider may send with something else in some place of it."""
    if draw(st.booleans()):
        return draw(
            st.binary(max_size=100) | st.sampled_from(ODD) | VALUES.map(lambda one: json.dumps(one).encode())
        )
    body: Any = copy.deepcopy(draw(st.sampled_from([PUSHES[provider](), *OTHERS])))
    at = body
    while isinstance(at, dict | list) and at:
        place = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        inner = at[place]
        if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
            at[place] = draw(VALUES)
            break
        at = inner
    return json.dumps(body).encode()


@pytest.mark.parametrize("hook", [one.value for one in Provider], indirect=True)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(
    data=st.data(),
    changed=st.dictionaries(st.sampled_from(NAMES), st.text(PRINTABLE, max_size=30), max_size=2),
    named=st.none() | st.sampled_from(NAMED),
    is_signed=st.booleans(),
)
def test_whatever_is_sent_is_never_a_500(hook, data, changed, named, is_signed):
    body = data.draw(bodies(hook.provider))
    if named is not None and hook.provider in EVENTS:
        changed = {EVENTS[hook.provider][0]: named} | changed
    sent = headers(hook.provider, body, hook.secret) if is_signed else event_headers(hook.provider)

    assert hook.send(body, sent={**sent, **changed})[0] in (200, 202, 400, 401)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(provider=st.text(max_size=20) | st.sampled_from(Provider), public_id=st.text(max_size=40))
def test_whatever_address_is_delivered_to_is_never_a_500(hook, provider, public_id):
    assert hook.send(b"{}", path=f"/hooks/{provider}/{public_id}", sent={})[0] in (308, 401, 404, 405)
