"""What each git server tells of pull requests, read into one value."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.webhooks.deciding import decide
from hooks.webhooks.delivery import Delivery
from hooks.webhooks.event import Event, Kind
from hooks.webhooks.providers import DIALECTS
from stratum.errors import DeliveryMalformed
from stratum.model import App, Environment, PullRequest, Webhook
from stratum.webhooks import Provider
from tests.deliveries import NEW, encoded
from tests.pulls import FORK, PULLS, TARGET, Pull, unsigned

AT = datetime(2026, 11, 22, 19, 1, tzinfo=UTC)
REFS = {
    "github": "refs/pull/7/head",
    "gitea": "refs/pull/7/head",
    "gitlab": "refs/merge-requests/7/head",
    "bitbucket": "refs/heads/topic",
    "bitbucket-dc": "refs/heads/topic",
}
EACH = pytest.mark.parametrize("provider", sorted(PULLS))


def read(provider: str, pull: Pull, body=None) -> Event:
    data = encoded(PULLS[provider](pull) if body is None else body)
    return DIALECTS[Provider(provider)].read(Delivery.of(unsigned(provider, pull).items(), data))


def told(provider: str, pull: Pull) -> PullRequest:
    event = read(provider, pull)
    assert event.kind is Kind.PULL
    assert event.pull is not None
    return event.pull


@EACH
def test_what_is_opened_is_read_alike(provider):
    found = told(provider, Pull())

    assert (found.number, found.is_open, found.branch, found.is_fork) == (7, True, "topic", False)
    assert (found.source.lower(), found.target.lower()) == (TARGET, TARGET)
    assert found.ref == REFS[provider]
    assert NEW.startswith(found.commit)
    assert found.at is not None
    assert found.at.replace(microsecond=0, second=0) == AT


@EACH
def test_what_is_pushed_to_it_is_newer_and_what_is_closed_is_not_open(provider):
    opened, pushed = told(provider, Pull()), told(provider, Pull().then("pushed"))
    closed = told(provider, Pull().then("pushed").then("closed"))

    assert pushed.is_open
    assert not closed.is_open
    assert opened.at
    assert pushed.at
    assert closed.at
    assert opened.at < pushed.at < closed.at


@EACH
def test_one_from_a_fork_is_told_from_the_others(provider):
    found = told(provider, Pull(source=FORK))

    assert found.is_fork
    assert found.source.lower() == FORK
    assert bool(found.ref) == (not provider.startswith("bitbucket")), "whose forks have their own commits"


@pytest.mark.parametrize("provider", ["github", "gitea", "gitlab", "bitbucket"])
def test_one_whose_source_is_gone_counts_as_a_forks(provider):
    found = told(provider, Pull(source=None))

    assert (found.is_fork, found.source) == (True, "")


@EACH
def test_what_is_read_is_kept_and_read_again(provider):
    found = told(provider, Pull())

    assert PullRequest.parse(found.render()) == found


@pytest.mark.parametrize("action", ["labeled", "edited", "review_requested", ""])
def test_other_actions_of_github_are_none_of_ours(action):
    event = read("github", Pull(action=action))

    assert (event.kind, event.pull) == (Kind.OTHER, None)


def test_an_update_of_gitlab_that_has_pushed_nothing_is_none_of_ours():
    body = PULLS["gitlab"](Pull(action="pushed"))
    del body["object_attributes"]["oldrev"]

    assert read("gitlab", Pull(), body).kind is Kind.OTHER


@pytest.mark.parametrize(
    ("provider", "above"), [("gitlab", "object_attributes"), ("bitbucket", "pullrequest")]
)
def test_one_that_is_closed_when_its_commits_are_gone_is_read_all_the_same(provider, above):
    body = PULLS[provider](Pull(action="closed", source=None))
    if provider == "gitlab":
        body[above]["last_commit"] = None
    else:
        body[above]["source"]["commit"] = None
    event = read(provider, Pull(action="closed"), body)

    assert event.pull is not None
    assert (event.pull.is_open, event.pull.commit) == (False, "")


def test_one_that_data_center_has_deleted_is_not_open_whatever_its_state_says():
    sent = unsigned("bitbucket-dc", Pull()) | {"X-Event-Key": "pr:deleted"}
    event = DIALECTS[Provider.BITBUCKET_DC].read(
        Delivery.of(sent.items(), encoded(PULLS["bitbucket-dc"](Pull())))
    )

    assert event.pull is not None
    assert not event.pull.is_open


def app_and_hook(clone_url: str) -> tuple[App, Webhook]:
    home = Environment(1, "MyProdEnv", "production", False, AT)
    app = App(1, "app02", home, None, None, False, AT)
    values: dict[str, Any] = dict.fromkeys(Webhook.__dataclass_fields__)
    return app, Webhook(**{**values, "clone_url": clone_url})


@pytest.mark.parametrize(
    ("clone_url", "is_of_it"),
    [
        ("https://git.example/octo/app.git", True),
        ("https://git.example/Octo/App", True),
        ("https://git.example/scm/octo/app.git", True),
        ("git@git.example:octo/app.git", True),
        ("ssh://git@git.example:7999/octo/app.git", True),
        ("https://git.example/octo/other.git", False),
        ("https://git.example/xocto/app.git", False),
    ],
)
def test_one_of_another_repository_is_not_followed_as_its_number_means_another_there(clone_url, is_of_it):
    decision = decide(*app_and_hook(clone_url), read("github", Pull()), lambda _: "")

    assert (decision.pull is not None) == is_of_it
    assert is_of_it or "pull request 7 is of 'octo/app'" in decision.reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Return a body of which something anywhere is something else."""
    provider = draw(st.sampled_from(sorted(PULLS)))
    body = PULLS[provider](Pull())
    at = body
    while True:
        name = draw(st.sampled_from(sorted(at)))
        if not isinstance(at[name], dict) or draw(st.booleans()):
            break
        at = at[name]
    at[name] = draw(JSON)
    return provider, body


@given(damaged())
def test_whatever_is_sent_is_read_or_malformed(found):
    provider, body = found
    try:
        event = read(provider, Pull(), body)
    except DeliveryMalformed:
        return
    if event.pull is not None:
        assert PullRequest.parse(event.pull.render()) == event.pull
