"""The build whose number a sender is told of a pull request: its review app's, there from the delivery on."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Thread
from urllib.error import HTTPError

import pytest
from sqlalchemy import update

from hooks.webhooks import reviewing
from stratum.model import App, Build, BuildState, DeliveryState
from stratum.store import deliveries, environments, news, reserved, statuses
from stratum.store import tables as t
from stratum.store.reserved import Reserved
from tests.gitweb import FakeBuilder
from tests.integration.test_reviews import done, enable, found_app, gone, opened, review_app, way, web
from tests.pulls import Pull, push_pull
from tests.road import Road
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

__all__ = ["way", "web"]  # fixtures
FIRST = Pull()


def delivered(way: Road, pull: Pull = FIRST, **files: str) -> int:
    """Push what a pull request has and tell of it; return the number that is answered."""
    status, said = way.tell(push_pull(way.elsewhere, pull, files or {"a.txt": "one"}))
    assert (status, said["verdict"]) == (202, "queued")
    assert said["app"] == f"{way.app.label}-pr-{pull.number}"
    return int(said["build"])


def built(way: Road, number: int = 7) -> list[Build]:
    """The builds of a review app, oldest first."""
    return way.web.builds(review_app(way, number))


def states(way: Road) -> list[BuildState]:
    return [build.state for build in built(way)]


def log(way: Road, app: App, build: int) -> list[str]:
    return way.web.instance.layout.build_log(app.id, build).read_text().splitlines()


def test_the_number_that_is_told_is_that_of_a_build_of_the_review_app_which_shows_the_fetch(way):
    enable(way)
    pull = push_pull(way.elsewhere, Pull(), {"a.txt": "one"})
    said = way.tell(pull)[1]
    made = review_app(way)

    assert (said["verdict"], said["app"], said["build"]) == ("queued", made.label, 1)
    (build,) = built(way)
    assert (build.state, build.commit, build.who) == (BuildState.FETCHING, "", build.who)
    assert build.who.endswith("/pr-7")
    way.fetch()
    (build,) = built(way)
    assert (build.number, build.state, build.commit) == (1, BuildState.QUEUED, pull.commit)
    assert log(way, made, 1) == [
        f"-----> Fetching pull request 7 (topic) from {way.source.url}",
        f"-----> Fetched {pull.commit}",
    ]
    row = way.ask("GET", f"/webhooks/deliveries/{said['delivery']}")
    assert (row["app"], row["build"], row["verdict"]) == (made.label, 1, "pushed")
    assert way.web.builds(way.app) == []


def test_what_is_answered_for_a_branch_names_the_app_itself(way):
    enable(way)
    said = way.deliver()[1]

    assert (said["app"], said["build"]) == (way.app.label, 1)


def test_the_same_delivery_at_the_same_time_makes_one_app_with_one_build(way):
    enable(way)
    pull = push_pull(way.elsewhere, Pull(), {"a.txt": "one"})
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: way.tell(pull, "same"), range(8)))

    assert sorted(status for status, _ in answers) == [200] * 7 + [202]
    assert {(said["app"], said["build"]) for _, said in answers} == {(review_app(way).label, 1)}
    assert states(way) == [BuildState.FETCHING]


def test_of_several_at_once_the_newest_is_built_and_the_others_name_it(way):
    enable(way)
    pulls = [push_pull(way.elsewhere, Pull(), {"a.txt": "one"})]
    while len(pulls) < 4:
        pulls.append(pulls[-1].then("pushed"))
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(way.tell, pulls))
    way.fetch()

    taken = [said["build"] for status, said in answers if status == 202]
    assert answers[-1][1]["build"] is not None, "what was told late has none"
    assert {build.number for build in built(way)} == set(taken)
    newest = answers[-1][1]["build"]
    for build in built(way):
        if build.number == newest:
            assert (build.state, build.commit) == (BuildState.QUEUED, pulls[0].commit)
        else:
            assert (build.state, build.superseded_by) == (BuildState.SUPERSEDED, newest)


def test_what_brings_nothing_new_is_skipped_and_nobody_is_called(way):
    enable(way)
    pull = opened(way)
    assert way.tell(pull.then("reopened"))[1]["build"] == 2
    way.fetch()

    assert states(way) == [BuildState.QUEUED, BuildState.SKIPPED]
    assert built(way)[1].error == f"Nothing to build: {review_app(way).name} was there already: build 1."
    assert (done(way).state, done(way).build) == (DeliveryState.PUSHED, 2)


def test_what_cannot_be_fetched_is_a_failed_build_of_the_review_app_and_can_be_replayed(way):
    enable(way)
    way.elsewhere.status = 503
    delivered(way)
    way.fetch()
    assert states(way) == [BuildState.FETCHING]
    assert "It is tried again in 5 s." in log(way, review_app(way), 1)[-1]
    while done(way).state is DeliveryState.QUEUED:
        way.put_off_no_longer()
        way.fetch()

    (build,) = built(way)
    assert (build.state, build.error) == (BuildState.FAILED, f"Nothing was taken: {done(way).reason}.")
    with way.web.db.read() as tx:
        told = [one.kind.value for one in news.unread(tx, "nobody", 10_000) if one.app_id == build.app_id]
    assert told == ["build.failed"]
    with pytest.raises(HTTPError) as refused:
        way.ask_of(review_app(way), "POST", "/builds/1/retry")
    with refused.value as answer:
        hint = f"Fetch it once more: stratum -A {way.app.name} webhooks replay {done(way).id}."
        assert json.load(answer)["hint"] == hint
    way.elsewhere.status = 0
    again = way.api("POST", f"/deliveries/{done(way).id}/replay")
    assert (again["app"], again["build"]) == (review_app(way).label, 2)
    way.fetch()
    assert states(way) == [BuildState.FAILED, BuildState.QUEUED]


def test_a_failed_one_is_not_taken_for_the_parents_build_of_the_same_number(way):
    enable(way)
    way.api("PATCH", f"/{way.path.rpartition('/')[2]}", {"statuses": True, "status_token": "t"})
    way.deliver()
    way.fetch()
    pull = push_pull(way.elsewhere, Pull(), {"Procfile": "no colon\n"})
    way.tell(pull)
    way.fetch()

    assert (way.web.builds(way.app)[0].number, built(way)[0].state) == (1, BuildState.FAILED)
    with way.web.db.read() as tx:
        told = statuses.list_statuses(tx, done(way).webhook_id, 9)
    assert [(one.context, one.commit, one.build) for one in told] == [
        (f"stratum/{review_app(way).label}", pull.commit, None),
        (f"stratum/{way.app.label}", way.deployed()[0], 1),
    ]


def test_closed_before_it_is_fetched_it_is_not(way):
    enable(way)
    pull = push_pull(way.elsewhere, Pull(), {"a.txt": "one"})
    first = way.tell(pull)[1]["delivery"]
    status, said = way.tell(pull.then("closed"))
    way.fetch_all()

    assert (status, said["verdict"], said["build"]) == (200, "done", None)
    assert review_app(way).destroying
    assert states(way) == [BuildState.SKIPPED]
    with way.web.db.read() as tx:
        ended = deliveries.get_delivery(tx, way.app.id, first)
    assert ended is not None
    assert (ended.state, ended.reason) == (DeliveryState.IGNORED, "pull request 7 was closed")
    assert way.elsewhere.asked == []


@pytest.mark.parametrize("how", ["closed", "by hand"])
def test_ended_while_it_is_fetched_the_fetch_ends(way, how):
    enable(way)
    pull = push_pull(way.elsewhere, Pull(), {"a.txt": "one"})
    way.tell(pull)
    way.elsewhere.answers.clear()
    fetching = Thread(target=way.fetch_all)
    fetching.start()
    wait_until(lambda: way.elsewhere.asked != [], timeout=60)
    if how == "closed":
        way.tell(pull.then("closed"))
    else:
        way.ask("DELETE", "/review-apps/7")
    fetching.join(60)

    assert not fetching.is_alive(), "though its server says nothing"
    assert states(way) == [BuildState.SKIPPED]
    assert review_app(way).destroying


def test_none_is_fetched_that_was_destroyed_by_hand_just_before(way, monkeypatch):
    def destroy(point: str) -> None:
        if point == "review.made":
            way.ask("DELETE", "/review-apps/7")

    enable(way)
    delivered(way)
    monkeypatch.setattr(reviewing, "reach", destroy)
    way.fetch()

    assert (done(way).state, states(way)) == (DeliveryState.IGNORED, [BuildState.SKIPPED])
    assert way.elsewhere.asked == []


def test_one_that_is_canceled_is_not_fetched(way):
    enable(way)
    delivered(way)
    way.ask_of(review_app(way), "POST", "/builds/1/cancel")
    way.fetch()

    assert states(way) == [BuildState.CANCELED]
    assert (done(way).state, done(way).reason) == (
        DeliveryState.FAILED,
        "build 1 was canceled: admin asked for it",
    )
    assert way.elsewhere.asked == []


def test_once_disabled_what_waits_is_not_built_any_more(way):
    enable(way)
    delivered(way)
    way.ask("PATCH", "/review-apps", {"enabled": False})
    way.fetch()

    assert (done(way).reason, states(way)) == ("review apps are not enabled", [BuildState.SKIPPED])


def test_one_that_is_opened_again_before_its_app_is_gone_gets_its_number_with_the_next_app(way):
    enable(way)
    pull = opened(way)
    first = review_app(way)
    way.tell(pull.then("closed"))
    status, said = way.tell(pull.then("closed").then("reopened"))
    assert (status, said["build"], said["app"]) == (202, None, None)
    assert said["reason"] == f"{first.label} is still being destroyed"
    gone(way, first)
    way.fetch()

    assert (done(way).state, done(way).build) == (DeliveryState.PUSHED, 1)
    assert [build.commit for build in built(way)] == [pull.commit]


def test_one_that_waits_for_its_app_to_go_and_is_closed_again_makes_none(way):
    enable(way)
    pull = opened(way)
    first = review_app(way)
    way.tell(pull.then("closed"))
    again = pull.then("closed").then("reopened")
    way.tell(again)
    way.tell(again.then("closed"))
    gone(way, first)
    way.fetch_all()

    assert found_app(way) is None


def test_what_came_before_builds_were_reserved_gets_one_when_it_is_fetched(way):
    enable(way)
    pull = push_pull(way.elsewhere, Pull(), {"a.txt": "one"})
    way.tell(pull)
    without = {"build": None, "build_app_id": None}
    with way.web.db.write() as tx:
        tx.execute(update(t.deliveries).where(t.deliveries.c.app_id == way.app.id).values(without))
        reserved.end(tx, Reserved(review_app(way).id, 1), BuildState.CANCELED, "")
    way.fetch()

    assert (done(way).state, done(way).build) == (DeliveryState.PUSHED, 2)
    assert built(way)[1].commit == pull.commit


def test_where_a_build_decides_it_is_the_one_whose_number_was_told(way):
    enable(way)
    pull = opened(way)
    with way.web.db.write() as tx:
        environments.set_settings(tx, review_app(way).id, {"gate": "build"})
    number = delivered(way, pull.then("pushed"), **{"b.txt": "two"})
    with FakeBuilder(way.web):
        way.fetch()

    build = built(way)[-1]
    assert (build.number, bool(build.gate), done(way).build) == (number, True, number)


def test_a_replay_of_what_was_closed_since_is_told_so(way):
    enable(way)
    pull = opened(way)
    number = done(way).id
    way.tell(replace(pull, minute=5).then("closed"))
    again = way.api("POST", f"/deliveries/{number}/replay")

    assert (again["verdict"], again["build"]) == ("ignored", None)
    assert again["reason"] == "something later was told of pull request 7 before"
