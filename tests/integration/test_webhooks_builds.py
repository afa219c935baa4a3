"""The build whose number a sender is told: there from the delivery on, whatever becomes of that."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Thread
from urllib.error import HTTPError

import pytest
from sqlalchemy import update

from hooks.webhooks import pushing, steps
from hooks.webhooks.ending import GONE
from stratum.model import BuildState, DeliveryState
from stratum.store import environments, news, reserved
from stratum.store import tables as t
from stratum.store.reserved import Reserved
from tests.gitweb import FakeBuilder
from tests.integration.test_kill_webhooks import fetcher
from tests.integration.test_webhooks import set_app, way, web
from tests.road import Road
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

__all__ = ["way", "web"]  # fixtures


def told(road: Road) -> list[str]:
    """Kinds of the news of an app's builds."""
    with road.web.db.read() as tx:
        return [one.kind.value for one in news.unread(tx, "nobody", 10_000) if one.app_id == road.app.id]


def test_the_number_that_is_told_is_that_of_a_build_which_is_there_and_shows_the_fetch(way):
    way.hook()
    tip = way.source.push({"a.txt": "one"})
    number = way.deliver()[1]["build"]

    row = way.api("GET", f"/{number}", noun="builds")
    assert (row["status"], row["commit"], row["finished_at"]) == ("fetching", "", None)
    assert way.deliver(ident="delivery-1")[1]["build"] == number
    way.fetch()
    row = way.api("GET", f"/{number}", noun="builds")
    assert (row["status"], row["commit"], row["gated"]) == ("queued", tip, False)
    assert way.log(number).splitlines() == [
        f"-----> Fetching master from {way.source.url}",
        f"-----> Fetched {tip}",
    ]


def test_a_fetch_that_finds_nothing_new_skips_its_build_and_nobody_is_called(way):
    way.hook()
    way.deliver()
    first = way.fetch()
    number = way.deliver()[1]["build"]
    way.fetch()

    assert way.states() == [BuildState.QUEUED, BuildState.SKIPPED]
    assert way.web.builds(way.app)[1].error == (
        f"Nothing to build: master was there already: build {first.build}."
    )
    assert way.log(number).splitlines()[-1].startswith("-----> Nothing to build: ")
    assert told(way) == []


def test_what_the_branch_turns_out_not_to_want_skips_its_build(way):
    way.hook("bitbucket-dc")
    way.source.push({"a.txt": "one"}, "Try it [skip deploy]")
    way.deliver()
    way.fetch()

    assert way.states() == [BuildState.SKIPPED]


def test_a_fetch_that_fails_for_good_is_a_failed_build_with_the_reason_which_is_told(way):
    way.hook()
    way.source.status = 503
    number = way.deliver()[1]["build"]
    way.fetch()

    assert way.states() == [BuildState.FETCHING]
    assert "It is tried again in 5 s." in way.log(number)
    while way.newest().state is DeliveryState.QUEUED:
        way.put_off_no_longer()
        way.fetch()
    (build,) = way.web.builds(way.app)
    assert build.state is BuildState.FAILED
    assert build.error == f"Nothing was taken: {way.newest().reason}."
    assert way.log(number).splitlines()[-1].startswith(" !     Nothing was taken: tried 5 times: ")
    assert told(way) == ["build.failed"]


def test_what_is_refused_as_a_push_would_be_is_a_failed_build(way):
    way.hook()
    way.source.push({"Procfile": "no colon\n"})
    way.deliver()
    way.fetch()

    (build,) = way.web.builds(way.app)
    assert (build.state, build.commit) == (BuildState.FAILED, "")
    assert build.error.startswith("Nothing was taken: Procfile:1")


def test_a_newer_delivery_supersedes_the_builds_of_those_that_wait(way):
    way.hook()
    way.source.push({"a.txt": "one"})
    numbers = [way.deliver()[1]["build"] for _ in range(3)]
    way.fetch()

    assert way.states() == [BuildState.SUPERSEDED, BuildState.SUPERSEDED, BuildState.QUEUED]
    assert [build.superseded_by for build in way.web.builds(way.app)] == [numbers[2], numbers[2], None]


def test_a_build_that_waits_to_be_fetched_can_be_canceled_and_nothing_is_fetched(way):
    way.hook()
    number = way.deliver()[1]["build"]
    way.cancel(number)
    done = way.fetch()

    assert way.states() == [BuildState.CANCELED]
    assert (done.state, done.reason) == (
        DeliveryState.FAILED,
        f"build {number} was canceled: admin asked for it",
    )
    assert way.source.asked == []
    assert way.deliver(ident="delivery-1")[0] == 202  # the sender may send it again


def test_a_build_that_is_being_fetched_can_be_canceled_which_ends_the_fetch(way):
    way.hook()
    way.source.answers.clear()
    number = way.deliver()[1]["build"]
    fetching = Thread(target=way.fetch)
    fetching.start()
    wait_until(lambda: way.source.asked != [], timeout=60)
    way.cancel(number)
    fetching.join(60)

    assert not fetching.is_alive(), "though its server says nothing"
    assert way.states() == [BuildState.CANCELED]
    assert way.log(number).splitlines()[-1] == " !     Build canceled: admin asked for it."
    assert not way.web.instance.layout.fetch(way.app.id).exists()


@pytest.mark.parametrize("point", ["fetch.fetched", "receive.checked"])
def test_what_is_canceled_before_its_ref_moves_moves_none(way, point):
    way.hook()
    way.source.push({"a.txt": "one"})
    number = way.deliver()[1]["build"]
    way.web.arm(point)
    with fetcher(way) as process:
        way.web.reached(point)
        way.cancel(number)
        way.web.go(point)
        assert process.wait(60) == 0

    assert way.states() == [BuildState.CANCELED]
    assert way.newest().state is DeliveryState.FAILED
    assert not way.web.repo(way.app).exists() or way.web.ref(way.app) == ""


def test_where_a_build_decides_it_is_the_one_whose_number_was_told(way):
    set_app(way, gate="build")
    way.hook()
    tip = way.source.push({"a.txt": "one"})
    number = way.deliver()[1]["build"]
    with FakeBuilder(way.web):
        way.fetch()

    (build,) = way.web.builds(way.app)
    assert (build.number, build.commit, bool(build.gate)) == (number, tip, True)
    assert way.newest().build == number


def test_a_web_hook_that_is_removed_takes_the_build_along_that_waits_for_it(way):
    ident = way.hook()
    way.deliver()
    way.api("DELETE", f"/{ident}")

    wait_until(lambda: way.states() == [BuildState.CANCELED], timeout=60)
    assert way.web.builds(way.app)[0].error == GONE


def test_who_wants_to_build_again_what_has_fetched_nothing_is_told_how_to_fetch_it(way):
    way.hook()
    way.source.push({"Procfile": "no colon\n"})
    said = way.deliver()[1]
    way.fetch()

    with pytest.raises(HTTPError) as refused:
        way.api("POST", f"/{said['build']}/retry", noun="builds")
    with refused.value as answer:
        assert (answer.code, json.load(answer)["hint"]) == (
            409,
            f"Fetch it once more: stratum webhooks replay {said['delivery']}.",
        )


def test_an_app_that_is_destroyed_while_its_source_is_fetched_leaves_no_log(way):
    way.hook()
    way.source.answers.clear()
    way.deliver()
    fetching = Thread(target=way.fetch_all)
    fetching.start()
    wait_until(lambda: way.source.asked != [], timeout=60)
    with way.web.db.write() as tx:
        environments.remove_app(tx, way.app.id)
    folder = way.web.instance.layout.build_log(way.app.id, 1).parent
    shutil.rmtree(folder)
    way.source.answers.set()
    fetching.join(60)

    assert not fetching.is_alive()
    assert not folder.exists()


def test_a_delivery_of_before_builds_were_reserved_gets_one_when_it_is_pushed(way):
    way.hook()
    tip = way.source.push({"a.txt": "one"})
    number = way.deliver()[1]["build"]
    with way.web.db.write() as tx:
        tx.execute(update(t.deliveries).where(t.deliveries.c.app_id == way.app.id).values(build=None))
        reserved.end(tx, Reserved(way.app.id, number), BuildState.CANCELED, "")
    done = way.fetch()

    assert (done.state, done.build) == (DeliveryState.PUSHED, number + 1)
    assert way.deployed() == [tip]


def test_a_push_of_ours_that_was_cut_off_and_goes_on_is_no_refusal_of_the_next(way, monkeypatch):
    """Its git outlives a killed web process, and may move the ref while the branch is fetched again."""
    way.hook()
    tip = way.source.push({"a.txt": "one"})
    number = way.deliver()[1]["build"]

    def overtaken(parts, wanted):
        push_to(parts, wanted)
        push_to(parts, replace(wanted, build=None))

    push_to = pushing.push
    monkeypatch.setattr(steps, "push", overtaken)
    done = way.fetch()

    assert (done.state, done.build, done.reason) == (DeliveryState.PUSHED, number, "")
    assert way.deployed() == [tip]


def test_the_same_delivery_at_the_same_time_is_taken_once(way):
    way.hook()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: way.deliver(ident="same"), range(8)))

    assert sorted(status for status, _ in answers) == [200] * 7 + [202]
    assert len({said["build"] for _, said in answers}) == 1
    assert way.states() == [BuildState.FETCHING]
    assert way.newest().repeats == 7
