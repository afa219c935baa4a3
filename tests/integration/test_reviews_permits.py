"""Pull requests that may not be built yet, or at all: what is answered, and with which build they begin."""

import json
from urllib.error import HTTPError

import pytest

from stratum.model import BuildState
from stratum.store import deliveries, environments
from tests.integration.test_reviews import done, enable, found_app, opened, review_app, way, web
from tests.integration.test_reviews_builds import built, states
from tests.pulls import FORK, Pull, push_pull
from tests.road import Road

pytestmark = pytest.mark.integration

__all__ = ["way", "web"]  # fixtures
STRANGE = Pull(source=FORK)


@pytest.mark.parametrize("what", ["off", "closed", "fork", "too many", "the name is taken"])
def test_what_is_not_to_be_built_is_answered_with_the_reason_and_has_no_build(way, what):
    enable(way, most=1)
    told = STRANGE if what == "fork" else Pull(action="closed") if what == "closed" else Pull()
    if what == "off":
        way.ask("PATCH", "/review-apps", {"enabled": False})
    elif what == "too many":
        opened(way, Pull(number=8, branch="other"))
    elif what == "the name is taken":
        with way.web.db.write() as tx:
            environments.add_app(tx, way.app.environment, f"{way.app.name}-pr-7")
    status, said = way.tell(push_pull(way.elsewhere, told, {"b.txt": "one"}))

    verdict, reason = {
        "off": ("ignored", "review apps are not enabled: stratum review-apps enable"),
        "closed": ("ignored", "pull request 7 was closed, and has no review app"),
        "fork": ("done", "waits for a maintainer's word"),
        "too many": ("failed", "has 1 review apps, and may have no more"),
        "the name is taken": ("failed", "is no review app of this pull request"),
    }[what]
    assert (status, said["verdict"], said["app"], said["build"]) == (200, verdict, None, None)
    assert reason in said["reason"]
    assert (done(way).id, done(way).state.value, done(way).reason) == (
        said["delivery"],
        verdict,
        said["reason"],
    )
    if what != "the name is taken":
        assert found_app(way) is None


def approved(way: Road) -> dict[str, object]:
    return way.ask("POST", "/review-apps/7/approve", {"commit": "", "with_variables": False})


def test_a_fork_that_is_approved_has_the_build_that_its_maintainer_is_told(way):
    enable(way)
    pull = opened(way, STRANGE)
    said = approved(way)

    assert (said["app"], said["build"]) == (review_app(way).label, 1)
    assert states(way) == [BuildState.FETCHING]
    way.fetch()
    assert [(build.number, build.commit) for build in built(way)] == [(1, pull.commit)]


def test_what_was_approved_is_built_though_the_fork_goes_on_before_it_is_fetched(way):
    enable(way)
    first = opened(way, STRANGE)
    approved(way)
    way.tell(push_pull(way.elsewhere, first.then("pushed"), {"b.txt": "two"}))
    way.fetch()

    assert [build.commit for build in built(way)] == [first.commit]
    assert way.ask("GET", "/review-apps")["pull_requests"][0]["status"] == "waiting"


def test_what_was_approved_before_another_commit_was_is_not_built_any_more(way):
    enable(way)
    first = opened(way, STRANGE)
    approved(way)
    second = push_pull(way.elsewhere, first.then("pushed"), {"b.txt": "two"})
    way.tell(second)
    with way.web.db.write() as tx:
        deliveries.hold(tx, done(way).id - 1, "later", done(way).received_at)
    approved(way)
    way.fetch()

    assert [build.commit for build in built(way) if build.commit] == [second.commit]
    assert built(way)[0].state in (BuildState.SUPERSEDED, BuildState.SKIPPED)


@pytest.mark.parametrize("what", ["too many", "off"])
def test_a_word_for_what_may_not_have_an_app_is_refused_and_lets_nothing_in(way, what):
    enable(way, most=1)
    opened(way, STRANGE)
    opened(way, Pull(number=8, branch="other"))
    way.ask("PATCH", "/review-apps", {"enabled": what != "off"})
    with pytest.raises(HTTPError) as refused:
        approved(way)
    with refused.value as answer:
        assert answer.code == 409
        assert ("are not enabled" if what == "off" else "may have no more") in json.load(answer)["message"]

    (known,) = [one for one in way.ask("GET", "/review-apps")["pull_requests"] if one["number"] == 7]
    assert (known["status"], known["approved"], found_app(way)) == ("waiting", None, None)
