"""What became of processes, over the API and as it comes."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gitserver.api import streams, telling
from gitserver.api.appevents import AppEvents
from gitserver.api.shapes import Events
from gitserver.git.client import Client
from gitserver.services import Services
from stratum.store import environments
from tests.noted import new_history, note, rotate
from tests.webside import WebSide

HERE = "/apps/MyProdEnv/app02"


@pytest.fixture
def events(side):
    file = side.instance.layout.process_events(side.app().id)
    file.parent.mkdir(parents=True)
    file.write_text(
        "1763805731500000\t1763805731.5\tMyProdEnv.app02.v3.worker.2\tstarted\t4711\t\t0.000\n"
        "1763805735700000\t1763805735.7\tMyProdEnv.app02.v3.worker.2\texited\t4711\t1\t4.200\n"
    )


def test_they_are_listed_oldest_first(api, events):
    _, found = api("GET", f"{HERE}/events")

    assert [event["kind"] for event in found] == ["started", "exited"]
    assert found[1] == {
        "number": 1763805735700000,
        "at": "2025-11-22T10:02:15.700Z",
        "name": "MyProdEnv.app02.v3.worker.2",
        "release": "v3",
        "target": "worker",
        "index": 2,
        "kind": "exited",
        "pid": 4711,
        "exit_status": 1,
        "lived_s": 4.2,
        "message": "ended by itself (exit 1) after 4.2 s",
    }
    assert api("GET", f"{HERE}/events?lines=1")[1] == found[1:]
    assert api("GET", f"{HERE}/events?target=web") == (200, [])
    assert api("GET", f"{HERE}/events?lines=1&cursor=1763805731500000")[1] == found[1:]
    assert api("GET", f"{HERE}/events?cursor=0")[1] == found


def test_a_target_of_which_there_is_neither_a_release_nor_a_change_is_refused(api, side, events):
    with side.db.read() as tx:
        app = environments.find_app(tx, "MyProdEnv", "app02")
    side.release(app, "web")

    assert api("GET", f"{HERE}/events?target=web") == (200, [])
    assert len(api("GET", f"{HERE}/events?target=worker")[1]) == 2
    message = "'nope' is no target of any release; its targets are: web."
    for query in ("target=nope", "target=nope&follow=true"):
        status, said = api("GET", f"{HERE}/events?{query}")
        assert (status, said["message"]) == (422, message)


class Follower:
    """One that is sent events, chunk by chunk, from a cursor or with the last line."""

    def __init__(self, services, app, **wanted):
        found = AppEvents(services, app, Events(follow=True, **wanted))
        told = telling.changes(found)
        self.stream = streams.read(services.watcher, found, told, Client(None), follow=True)
        self.cursor = ""

    def __iter__(self):
        for chunk in self.stream:
            fields = [line.partition(": ") for line in chunk.decode().splitlines() if line]
            self.cursor = next((value for name, _, value in fields if name == "id"), self.cursor)
            yield [json.loads(value)["pid"] for name, _, value in fields if name == "data"]


@pytest.fixture
def app(side):
    return side.app()


@pytest.fixture
def services(side):
    found = Services.of(side.instance)
    yield found
    found.database.close()


@pytest.fixture
def happen(side, app):
    """Have the plugin note that a process was started, as a pid."""

    def happen(pid, target="worker", rotated=False):
        if rotated:
            rotate(side.instance.layout, app.id)
        note(side.instance.layout, app.id, pid, target)

    return happen


def test_who_follows_is_sent_the_last_ones_and_all_that_come(services, app, happen):
    happen(1)
    happen(2)
    follower = Follower(services, app, lines=1)
    sent = iter(follower)

    assert next(sent) == [2]
    assert next(sent) == []  # a cursor
    happen(3)
    assert next(sent) == [3]
    happen(4, rotated=True)
    assert next(sent) == [4]
    follower.stream.close()


def test_who_follows_one_target_is_sent_no_other(services, app, happen):
    happen(1)
    happen(2, target="web")
    follower = Follower(services, app, target="worker")
    sent = iter(follower)

    assert [next(sent), next(sent)] == [[1], []]
    happen(3, target="web")
    happen(4)
    assert next(sent) == [4]
    follower.stream.close()


@pytest.mark.parametrize("rotated", [False, True])
def test_who_goes_on_from_a_cursor_misses_nothing_and_gets_nothing_twice(services, app, happen, rotated):
    happen(1)
    first = Follower(services, app)
    assert next(iter(first)) == [1]
    first.stream.close()
    happen(2)
    happen(3, rotated=rotated)

    second = Follower(services, app, cursor=first.cursor, lines=1)
    assert next(iter(second)) == [2, 3]
    second.stream.close()


def test_what_comes_first_is_sent_to_who_followed_before(services, app, happen):
    first = Follower(services, app)
    assert next(iter(first)) == []
    first.stream.close()
    happen(1)

    second = Follower(services, app, cursor=first.cursor)
    assert next(iter(second)) == [1]
    second.stream.close()


def test_who_follows_is_sent_from_the_record_what_was_rotated_away_meanwhile(services, side, app, happen):
    reads = new_history(side)
    happen(1)
    follower = Follower(services, app)
    sent = iter(follower)
    assert [next(sent), next(sent)] == [[1], []]
    for pid in (2, 3, 4):
        happen(pid, rotated=True)
        reads.record()

    assert next(sent) == [2, 3, 4]
    happen(5)
    assert next(sent) == [5]
    follower.stream.close()


STEPS = st.sampled_from(["happens", "happens", "is recorded", "rotates", "comes", "again"])


@given(st.lists(STEPS, max_size=25))
@example(["happens", "rotates", "happens", "rotates"])
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_between_the_record_and_what_comes_nothing_is_lost_and_nothing_doubled(steps):
    with tempfile.TemporaryDirectory() as folder:
        side = WebSide.make(Path(folder, "data"))
        app, services, layout = side.app(), Services.of(side.instance), side.instance.layout
        reads = new_history(side)
        reader = AppEvents(services, app, Events(follow=True))
        told, happened = [one.pid for one in reader.last()], 0
        for step in [*steps, "comes", "comes"]:
            if step == "happens":
                happened += 1
                note(layout, app.id, happened)
            elif step in {"is recorded", "rotates"}:
                reads.record()
            if step == "rotates":
                rotate(layout, app.id)
            elif step == "comes":
                told += [one.pid for one in reader.fresh()]
            elif step == "again":
                reader.close()
                reader = AppEvents(services, app, Events(follow=True, cursor=reader.cursor, lines=1))
                told += [one.pid for one in reader.last()]
        reader.close()
        services.database.close()
        side.close()

    assert told == list(range(1, happened + 1))


def test_following_ends_with_the_app(services, side, app, happen):
    happen(1)
    sent = iter(Follower(services, app))
    assert [next(sent), next(sent)] == [[1], []]

    with side.db.write() as tx:
        environments.remove_app(tx, app.id)

    assert list(sent) == []


def test_what_is_no_cursor_is_refused(api, events):
    status, said = api("GET", f"{HERE}/events?follow=true&cursor=1;2")

    assert (status, said["error"]) == (422, "invalid-cursor")
