"""Kill -9 between a pull request's delivery and the build of its review app: all is made, once."""

import os
import signal
import urllib.error
from http.client import HTTPException
from threading import Thread

import pytest

from stratum.model import DeliveryState, RolloutState
from stratum.store import environments, rollouts
from tests.integration.test_kill_webhooks import fetcher, is_served
from tests.integration.test_reviews import enable, opened, review_app, variables, way, web
from tests.pulls import Pull, push_pull
from tests.road import Road
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

__all__ = ["way", "web"]  # fixtures
POINTS = ("review.made", "fetch.fetched", "review.outfitted", "fetch.pushed")


def killed_at(way: Road, point: str) -> None:
    way.web.arm(point)
    with fetcher(way) as process:
        os.kill(way.web.reached(point), signal.SIGKILL)
        process.wait(60)


def taken_over(way: Road) -> None:
    with fetcher(way) as process:
        assert process.wait(120) == 0


@pytest.mark.parametrize("point", POINTS)
def test_a_fetcher_that_is_killed_leaves_one_app_that_the_next_one_finishes(way: Road, point: str):
    enable(way, variables=["LANGUAGE"])
    pull = push_pull(way.elsewhere, Pull(), {"a.txt": point})
    assert way.tell(pull)[0] == 202
    killed_at(way, point)
    taken_over(way)
    made = review_app(way)

    assert (way.newest().state, way.newest().build) == (DeliveryState.PUSHED, 1)
    assert [(build.number, build.commit) for build in way.web.builds(made)] == [(1, pull.commit)]
    assert variables(way, made) == {"LANGUAGE": "eo"}
    assert not way.web.instance.layout.fetch(made.id).exists()
    with way.web.db.read() as tx:
        named = [app for app in environments.list_apps(tx) if app.name.startswith(f"{way.app.name}-pr-")]
    assert [app.id for app in named] == [made.id]


def killed_before_it_answers(way: Road, pull: Pull, ident: str) -> None:
    """Tell of a pull request, and kill the web process once that is on the disk."""
    way.web.arm("delivery.recorded")
    answers: list[object] = []
    sender = Thread(target=lambda: answers.append(told(way, pull, ident)))
    sender.start()
    os.kill(way.web.reached("delivery.recorded"), signal.SIGKILL)
    sender.join(60)
    wait_until(lambda: is_served(way.web), timeout=60)
    assert answers == [None]


def told(way: Road, pull: Pull, ident: str) -> dict[str, object] | None:
    """Tell of a pull request; None when the connection was lost."""
    try:
        return way.tell(pull, ident)[1]
    except (urllib.error.URLError, HTTPException, OSError):
        return None


def test_a_web_process_that_is_killed_before_it_answers_has_delivery_app_and_build_on_the_disk(way: Road):
    enable(way)
    pull = push_pull(way.elsewhere, Pull(), {"a.txt": "one"})
    killed_before_it_answers(way, pull, "one")
    again = told(way, pull, "one")
    taken_over(way)

    assert again is not None
    assert (again["verdict"], again["app"], again["build"]) == ("repeated", review_app(way).label, 1)
    assert [(one.number, one.commit) for one in way.web.builds(review_app(way))] == [(1, pull.commit)]


def test_one_that_is_killed_when_the_end_is_noted_has_ended_it(way: Road):
    enable(way)
    pull = opened(way)
    killed_before_it_answers(way, pull.then("closed"), "two")

    assert way.newest().state is DeliveryState.DONE
    assert review_app(way).destroying
    with way.web.db.read() as tx:
        waiting = [one.cause for one in rollouts.in_state(tx, RolloutState.QUEUED)]
    assert waiting == ["destroy"], "of which the reconciler reminds"
