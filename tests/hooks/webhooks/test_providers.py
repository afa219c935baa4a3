import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.webhooks.delivery import Delivery
from hooks.webhooks.event import Change, Event, Kind
from hooks.webhooks.providers import DIALECTS
from stratum.errors import DeliveryMalformed
from stratum.webhooks import Provider
from tests.deliveries import (
    NEW,
    OLD,
    PUSHES,
    ZERO,
    cloud_push,
    cloud_ref,
    data_center_change,
    data_center_push,
    encoded,
    event_headers,
    generic_push,
    gitea_push,
    github_push,
    gitlab_push,
)


def read(provider: str, body: dict[str, Any] | bytes, **others: str) -> Event:
    data = encoded(body)
    sent = event_headers(provider) | {name.replace("_", "-"): value for name, value in others.items()}
    return DIALECTS[Provider(provider)].read(Delivery.of(sent.items(), data))


def only(event: Event) -> Change:
    (change,) = event.changes
    return change


@pytest.mark.parametrize("provider", list(Provider))
def test_a_push_is_read_alike_whoever_tells_of_it(provider: str):
    event = read(provider, PUSHES[provider]())
    change = only(event)

    assert (event.kind, event.delivery_id) == (Kind.PUSH, "delivery-1")
    assert (change.ref, change.old, change.new) == ("refs/heads/main", OLD, NEW)
    assert change.message == ("" if provider == "bitbucket-dc" else "Say hello")
    assert event.repository.endswith("/app")


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("github", github_push(after=ZERO, deleted=True, head_commit=None, commits=[])),
        ("gitea", gitea_push(after=ZERO, head_commit=None, commits=None)),
        ("gitlab", gitlab_push(after=ZERO, checkout_sha=None, commits=[])),
        ("bitbucket", cloud_push({"old": cloud_ref("main", OLD), "new": None, "closed": True})),
        ("bitbucket-dc", data_center_push(data_center_change(kind="DELETE", toHash=ZERO))),
        ("generic", generic_push(after=ZERO)),
    ],
)
def test_a_removed_branch_has_no_new_commit(provider: str, body: dict[str, Any]):
    change = only(read(provider, body))

    assert (change.ref, change.old, change.new) == ("refs/heads/main", OLD, "")


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("github", github_push("refs/tags/v1", before=ZERO, created=True)),
        ("gitea", gitea_push("refs/tags/v1", before=ZERO)),
        ("gitlab", gitlab_push("refs/tags/v1", object_kind="tag_push", before=ZERO)),
        ("bitbucket", cloud_push({"old": None, "new": cloud_ref("v1", NEW, "tag"), "created": True})),
        ("bitbucket-dc", data_center_push(data_center_change("refs/tags/v1", "ADD", fromHash=ZERO))),
        ("generic", generic_push("refs/tags/v1", before=ZERO)),
    ],
)
def test_a_new_tag_has_no_old_commit(provider: str, body: dict[str, Any]):
    change = only(read(provider, body))

    assert (change.ref, change.old, change.new) == ("refs/tags/v1", "", NEW)


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("bitbucket", cloud_push(*({"old": None, "new": cloud_ref(name, NEW)} for name in ("main", "next")))),
        (
            "bitbucket-dc",
            data_center_push(*(data_center_change(f"refs/heads/{name}") for name in ("main", "next"))),
        ),
    ],
)
def test_one_delivery_may_tell_of_several_refs(provider: str, body: dict[str, Any]):
    assert [change.ref for change in read(provider, body).changes] == ["refs/heads/main", "refs/heads/next"]


def test_the_files_of_a_push_are_told_where_it_is_sure_that_they_are_all():
    commit = {"id": NEW, "added": ["a"], "modified": ["b/c"], "removed": ["d"]}

    assert only(read("github", github_push(commits=[commit]))).paths == frozenset(("a", "b/c", "d"))


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("github", github_push(forced=True)),
        ("github", github_push(before=ZERO, created=True)),
        ("github", github_push(commits=[])),
        ("github", github_push(commits=[{"id": NEW, "added": ["a"]}] * 20)),
        ("gitea", gitea_push()),
        ("gitlab", gitlab_push()),
    ],
)
def test_files_that_may_not_be_all_are_not_told(provider: str, body: dict[str, Any]):
    assert only(read(provider, body)).paths is None


@pytest.mark.parametrize(
    ("provider", "header", "name", "kind"),
    [
        ("github", "x_github_event", "ping", Kind.PING),
        ("github", "x_github_event", "pull_request", Kind.OTHER),
        ("gitea", "x_gitea_event", "create", Kind.OTHER),
        ("bitbucket", "x_event_key", "repo:fork", Kind.OTHER),
        ("bitbucket-dc", "x_event_key", "diagnostics:ping", Kind.PING),
        ("bitbucket-dc", "x_event_key", "pr:modified", Kind.OTHER),
    ],
)
def test_other_events_are_told_by_their_headers(provider: str, header: str, name: str, kind: Kind):
    event = read(provider, {"zen": "Keep it simple."}, **{header: name})

    assert (event.kind, event.name, event.changes) == (kind, name, ())


def test_what_gitlab_gives_to_several_pushes_does_not_name_one():
    """A push that a web hook has led to has the X-Gitlab-Event-UUID of the push before."""
    sent = {"x-gitlab-event": "Push Hook", "x-gitlab-event-uuid": "1"}

    event = DIALECTS[Provider.GITLAB].read(Delivery(sent, encoded(gitlab_push())))

    assert not event.delivery_id


def test_gitlabs_other_events_are_told_by_their_bodies():
    assert read("gitlab", {"object_kind": "issue"}).kind is Kind.OTHER


def test_a_generic_ping_is_one():
    assert read("generic", {"type": "ping"}).kind is Kind.PING


def test_a_generic_push_without_a_commit_is_not_taken_for_a_deleted_branch():
    with pytest.raises(DeliveryMalformed, match="after is missing"):
        read("generic", {"type": "push", "data": {"ref": "refs/heads/main"}})


def test_forgejo_and_gogs_are_read_as_gitea():
    body = encoded(gitea_push())
    for name in ("Forgejo", "Gogs"):
        sent = {f"X-{name}-Event": "push", f"X-{name}-Delivery": "d"}
        event = DIALECTS[Provider.GITEA].read(Delivery.of(sent.items(), body))
        assert (event.kind, event.delivery_id) == (Kind.PUSH, "d")


def test_a_form_carries_the_same_in_its_field_payload():
    body = urlencode({"payload": json.dumps(github_push())}).encode()
    form = read("github", body, content_type="application/x-www-form-urlencoded; charset=utf-8")

    assert form == read("github", github_push())


@pytest.mark.parametrize("provider", list(Provider))
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"null",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"n": ' + b"9" * 5000 + b"}",
    ],
    ids=["empty", "cut", "list", "binary", "null", "deep list", "deep object", "long number"],
)
def test_a_body_that_is_no_object_is_malformed(provider: str, body: bytes):
    with pytest.raises(DeliveryMalformed):
        read(provider, body)


@pytest.mark.parametrize("body", [b"a=b", b"payload=1&payload=2", b"payload=%ff", b"\xff", b"payload"])
def test_a_form_without_one_payload_is_malformed(body: bytes):
    with pytest.raises(DeliveryMalformed):
        read("github", body, content_type="application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    "body",
    [
        github_push("main"),
        github_push("refs/heads/../../etc"),
        github_push("refs/heads/a b"),
        github_push("refs/heads/" + "a" * 300),
        github_push(after="--upload-pack=x"),
        github_push(after=7),
        github_push(head_commit="x"),
        github_push(commits={"a": 1}),
        github_push(commits=[{"id": NEW, "added": [1]}]),
        github_push(repository=[]),
        github_push(forced="yes"),
    ],
)
def test_a_field_of_another_kind_is_malformed(body: dict[str, Any]):
    with pytest.raises(DeliveryMalformed):
        read("github", body)


@pytest.mark.parametrize("provider", ["github", "gitlab", "gitea", "bitbucket", "bitbucket-dc"])
def test_a_delivery_without_a_name_of_its_event_is_malformed(provider: str):
    with pytest.raises(DeliveryMalformed):
        DIALECTS[Provider(provider)].read(Delivery.of([], encoded(PUSHES[provider]())))


TEXTS = st.sampled_from([OLD, ZERO, "refs/heads/x", "main", "\ud800", "\0", ""])
LEAVES = st.none() | st.booleans() | st.integers() | TEXTS
KEYS = st.sampled_from(["ref", "new", "name", "target", "hash", "type", "id"])
JSON = LEAVES | st.lists(LEAVES, max_size=2) | st.dictionaries(KEYS, LEAVES, max_size=3)
_NAMES = ["push", "changes", "ref", "before", "after", "commits", "head_commit", "data", "type", "old", "new"]


@given(
    st.sampled_from(Provider),
    st.binary(max_size=20) | st.dictionaries(st.sampled_from(_NAMES), JSON).map(encoded),
)
def test_any_body_is_read_or_malformed(provider: Provider, body: bytes):
    try:
        event = read(provider, body)
    except DeliveryMalformed:
        return
    for change in event.changes:
        "".join((change.ref, change.old, change.new, change.message)).encode()


@given(st.sampled_from(Provider), st.data())
def test_a_push_of_which_any_field_is_another_is_read_or_malformed(provider: Provider, data: st.DataObject):
    body = PUSHES[provider]()
    at = body
    while True:
        name = data.draw(st.sampled_from(sorted(at)))
        inner = at[name]
        inner = inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], dict) else inner
        if not isinstance(inner, dict) or data.draw(st.booleans()):
            break
        at = inner
    at[name] = data.draw(JSON)

    try:
        event = read(provider, body)
    except DeliveryMalformed:
        return
    assert event.kind in Kind


@pytest.mark.parametrize(
    ("provider", "event", "body"),
    [
        ("github", {"X_GitHub_Event": "status"}, {"sha": NEW, "state": "success"}),
        ("github", {"X_GitHub_Event": "check_suite"}, {"check_suite": {"head_sha": NEW}}),
        ("github", {"X_GitHub_Event": "check_run"}, {"check_run": {"head_sha": NEW}}),
        ("github", {"X_GitHub_Event": "workflow_run"}, {"workflow_run": {"head_sha": NEW}}),
        ("gitea", {"X_Gitea_Event": "status"}, {"sha": NEW}),
        ("gitlab", {}, {"object_kind": "pipeline", "object_attributes": {"sha": NEW}}),
        (
            "bitbucket",
            {"X_Event_Key": "repo:commit_status_updated"},
            {"commit_status": {"links": {"commit": {"href": f"https://x/commit/{NEW}"}}}},
        ),
    ],
)
def test_what_is_told_of_checks_names_their_commit(provider, event, body):
    found = read(provider, body, **event)

    assert (found.kind, found.checked, found.changes) == (Kind.CHECKS, (NEW,), ())


CHECKED: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "github": ({"X_GitHub_Event": "check_suite"}, {"check_suite": {"head_sha": NEW}}),
    "gitea": ({"X_Gitea_Event": "status"}, {"sha": NEW}),
    "gitlab": ({}, {"object_kind": "pipeline", "object_attributes": {"sha": NEW}}),
    "bitbucket": (
        {"X_Event_Key": "repo:commit_status_created"},
        {"commit_status": {"links": {"commit": {"href": f"https://x/commit/{NEW}"}}}},
    ),
}


@given(st.sampled_from(sorted(CHECKED)), st.integers(0, 3), JSON)
def test_any_body_that_tells_of_checks_is_read_or_malformed(provider: str, depth: int, other: object):
    event, whole = CHECKED[provider]
    body = json.loads(json.dumps(whole))
    at = body
    for _ in range(depth):
        inner = at[list(at)[-1]]
        at = inner if isinstance(inner, dict) else at
    at[list(at)[-1]] = other

    try:
        found = read(provider, body, **event)
    except DeliveryMalformed:
        return
    assert all(len(one) in (40, 64) and set(one) <= set("0123456789abcdef") for one in found.checked)
