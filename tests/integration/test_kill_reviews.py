"""Kill -9 between a pull request's delivery and the build of its review app: all is made, once."""

import os
import signal

import pytest

from stratum.model import DeliveryState
from stratum.store import environments
from tests.integration.test_kill_webhooks import fetcher
from tests.integration.test_reviews import commits, enable, opened, review_app, variables, way, web
from tests.pulls import Pull, push_pull
from tests.road import Road

pytestmark = pytest.mark.integration

__all__ = ["way", "web"]  # fixtures
POINTS = ("review.noted", "review.made", "fetch.fetched", "review.outfitted", "fetch.pushed")


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

    assert way.newest().state is DeliveryState.PUSHED
    assert commits(way, made) == [pull.commit]
    assert variables(way, made) == {"LANGUAGE": "eo"}
    assert not way.web.instance.layout.fetch(made.id).exists()
    with way.web.db.read() as tx:
        named = [app for app in environments.list_apps(tx) if app.name.startswith(f"{way.app.name}-pr-")]
    assert [app.id for app in named] == [made.id]


def test_one_that_is_killed_when_the_end_is_noted_has_ended_it(way: Road):
    enable(way)
    pull = opened(way)
    way.tell(pull.then("closed"))
    killed_at(way, "review.noted")
    assert review_app(way).destroying
    taken_over(way)

    assert way.newest().state is DeliveryState.DONE
