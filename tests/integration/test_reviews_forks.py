"""Pull requests from forks: what strangers write is built after a maintainer's word, commit by commit."""

import json
import urllib.error
from dataclasses import replace

import pytest

from stratum.model import DeliveryState
from tests.integration.test_reviews import (
    commits,
    done,
    enable,
    found_app,
    gone,
    opened,
    review_app,
    variables,
    way,
    web,
)
from tests.pulls import FORK, PULLS, Pull, push_pull
from tests.repos import git
from tests.road import Road

pytestmark = pytest.mark.integration

__all__ = ["way", "web"]  # fixtures
STRANGE = Pull(source=FORK)


def approve(way: Road, commit: str = "", *, with_variables: bool = False) -> str:
    """Give a maintainer's word, and do what a fetcher does."""
    word = {"commit": commit, "with_variables": with_variables}
    approved = str(way.ask("POST", "/review-apps/7/approve", word)["commit"])
    way.fetch()
    return approved


def refusal(way: Road, commit: str = "") -> str:
    with pytest.raises(urllib.error.HTTPError) as refused:
        approve(way, commit)
    with refused.value as error:
        assert error.code == 409
        return str(json.load(error)["message"])


def state(way: Road) -> str:
    return str(way.ask("GET", "/review-apps")["pull_requests"][0]["status"])


@pytest.mark.parametrize("provider", ["github", "gitlab", "gitea"])
def test_one_from_a_fork_waits_and_nothing_of_it_is_fetched_before_a_word(way, provider):
    enable(way, provider)
    asked = len(way.elsewhere.asked)
    pull = opened(way, STRANGE)

    assert (done(way).state, state(way)) == (DeliveryState.DONE, "waiting")
    assert "stratum review-apps approve 7" in done(way).reason
    assert found_app(way) is None
    assert len(way.elsewhere.asked) == asked
    assert approve(way) == pull.commit
    assert (done(way).state, done(way).event, state(way)) == (DeliveryState.PUSHED, "approval", "open")
    assert commits(way, review_app(way)) == [pull.commit]


def test_its_app_is_lent_nothing_unless_the_word_says_so(way):
    enable(way, variables=["LANGUAGE", "DATABASE_URL"], values={"MODE": "review"})
    pull = opened(way, STRANGE)
    approve(way)
    assert variables(way, review_app(way)) == {}
    opened(way, pull.then("pushed"), **{"b.txt": "two"})
    approve(way, with_variables=True)

    assert variables(way, review_app(way)).keys() == {"LANGUAGE", "DATABASE_URL", "MODE"}


def test_what_a_word_has_lent_the_next_one_without_takes_back(way):
    enable(way, variables=["DATABASE_URL"])
    pull = opened(way, STRANGE)
    approve(way, with_variables=True)
    opened(way, pull.then("pushed"), **{"b.txt": "two"})
    assert variables(way, review_app(way)).keys() == {"DATABASE_URL"}, "what runs is what was approved"
    approve(way)

    assert variables(way, review_app(way)) == {}


def test_what_is_pushed_later_waits_again_while_what_was_approved_stays(way):
    enable(way)
    first = opened(way, STRANGE)
    approve(way)
    second = opened(way, first.then("pushed"), **{"b.txt": "two"})

    assert (done(way).state, state(way)) == (DeliveryState.DONE, "waiting")
    assert commits(way, review_app(way)) == [first.commit]
    approve(way, second.commit[:7])
    assert commits(way, review_app(way)) == [first.commit, second.commit]


def test_a_word_for_a_commit_that_is_not_the_newest_any_more_is_refused(way):
    enable(way)
    first = opened(way, STRANGE)
    second = opened(way, first.then("pushed"), **{"b.txt": "two"})

    assert refusal(way, first.commit) == (
        f"Pull request 7 is at {second.commit[:12]} by now, not at {first.commit}."
    )
    assert found_app(way) is None


def test_what_was_approved_is_built_though_the_fork_has_gone_on_unheard(way):
    enable(way)
    first = opened(way, STRANGE)
    push_pull(way.elsewhere, first, {"evil.txt": "unseen"})
    approve(way)

    assert commits(way, review_app(way)) == [first.commit]


def test_what_was_approved_and_is_pushed_over_is_not_built_nor_what_is_there_instead(way):
    enable(way)
    opened(way, STRANGE)
    git(way.elsewhere.work, "reset", "--quiet", "--hard", "HEAD~1")
    push_pull(way.elsewhere, STRANGE, {"evil.txt": "unseen"})
    approve(way)

    assert done(way).state is DeliveryState.QUEUED, "it may be that the ref follows late"
    assert "which was approved" in done(way).reason
    assert commits(way, review_app(way)) == []


def test_closed_it_is_destroyed_and_needs_a_word_no_more(way):
    enable(way)
    pull = opened(way, STRANGE)
    approve(way)
    made = review_app(way)
    way.tell(pull.then("closed"))

    assert way.fetch().state is DeliveryState.DONE
    assert review_app(way).destroying
    gone(way, made)
    assert refusal(way) == "Pull request 7 is closed."


def test_a_commit_that_is_not_told_is_let_in_by_nobody(way):
    enable(way)
    pull = push_pull(way.elsewhere, STRANGE, {"a.txt": "one"})
    way.tell(replace(pull, commit="0" * 40))
    way.fetch()

    assert (done(way).state, state(way), found_app(way)) == (DeliveryState.DONE, "waiting", None)
    assert refusal(way) == "It is not known at which commit pull request 7 is."


def test_one_from_the_repository_itself_needs_nobodys_word(way):
    enable(way)
    opened(way)

    assert "needs nobody's word" in refusal(way)


@pytest.mark.parametrize("provider", sorted(PULLS.keys() - {"github", "gitlab", "gitea"}))
def test_where_forks_keep_their_commits_to_themselves_that_is_said(way, provider):
    enable(way, provider)
    opened(way, STRANGE)

    assert done(way).state is DeliveryState.IGNORED
    assert "not where this web hook fetches from" in done(way).reason
    assert "is not where its web hook fetches from" in refusal(way)


def test_a_disabled_web_hook_lets_nothing_in(way):
    enable(way)
    opened(way, STRANGE)
    way.api("PATCH", f"/{way.path.rpartition('/')[2]}", {"enabled": False})

    assert "its web hook is gone, or disabled" in refusal(way)
