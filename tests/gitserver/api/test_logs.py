"""The processes' output."""

import fcntl
import os
import resource
import socket
import struct
import time
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from gitserver.api import streams, telling
from gitserver.api.applogs import AppLogs
from gitserver.api.shapes import Logs
from gitserver.git.client import Client
from gitserver.services import Services, services_of
from stratum.model import Outcome, ReportLine, Target
from stratum.store import formation, releases, rollouts
from tests.following import HERE, Events, going_on


@pytest.fixture
def app(side):
    app = side.app()
    side.release(app, "web", "worker")
    with side.db.write() as tx:
        formation.set_scales(tx, app.id, {"worker": 2})
    return app


def write(side, process, text):
    path = side.instance.layout.process_log(1, f"MyProdEnv.app02.{process}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)
    return path


def test_last_lines_of_each_process_carry_its_name(api, side, app):
    write(side, "v1.web.1", "one\ntwo\nthree\n")
    write(side, "v1.worker.2", "\x1b[31mred\x1b[0m\x07\n")
    write(side, "v0.web.1", "of an old release\n")

    assert api.text(f"{HERE}/logs?lines=2") == (200, "web.1 | two\nweb.1 | three\nworker.2 | red\n")
    assert api.text(f"{HERE}/logs?target=worker") == (200, "worker.2 | red\n")
    assert api.text(f"{HERE}/logs?lines=0") == (200, "")


def fail(side, app, process, targets):
    """Record a release of which one process did not come up."""
    index = process.rpartition(".")[2]
    line = ReportLine(f"MyProdEnv.{app.name}.{process}", "new", int(index), Outcome.FAILED)
    with side.db.write() as tx:
        lines = tuple(Target(name, f"run {name}") for name in targets)
        made = releases.add_release(
            tx, app.id, slug="d" * 64, commit="b" * 40, targets=lines, cause="push", who="admin"
        )
        rollouts.add_rollout(tx, app.id, cause="push", who="admin", release_id=made.id)
    side.settle(app, f"{process} did not come up.", [line])


def test_what_did_not_come_up_can_be_read_under_its_target_with_its_release(api, side, app):
    """The hint of a failed rollout says so."""
    write(side, "v1.web.1", "runs\n")
    write(side, "v1.worker.1", "works\n")
    write(side, "v2.worker.1", "dying\n")
    fail(side, app, "v2.worker.1", ["web", "worker"])

    assert api.text(f"{HERE}/logs?target=worker") == (200, "worker.1 | works\nv2.worker.1 | dying\n")
    assert api.text(f"{HERE}/logs?target=web") == (200, "web.1 | runs\n")
    assert api.text(f"{HERE}/logs") == (200, "web.1 | runs\nworker.1 | works\n")

    write(side, "v3.new.1", "new and dying\n")
    fail(side, app, "v3.new.1", ["web", "new"])
    assert api.text(f"{HERE}/logs?target=new") == (200, "v3.new.1 | new and dying\n")
    assert api.text(f"{HERE}/logs?target=worker") == (200, "worker.1 | works\n")


def test_a_first_release_that_did_not_come_up_has_logs(api, side):
    app = side.app("app02")
    write(side, "v1.web.1", "dying\n")
    fail(side, app, "v1.web.1", ["web"])

    for query in ("", "?target=web"):
        assert api.text(f"{HERE}/logs{query}") == (200, "v1.web.1 | dying\n")


def test_an_unknown_target_is_refused(api, app):
    status, said = api("GET", f"{HERE}/logs?target=nope")

    assert (status, said["error"]) == (422, "unknown-target")


def test_an_app_without_release_has_no_logs(api, side):
    side.app("empty")

    assert api("GET", "/apps/MyProdEnv/empty/logs")[1]["error"] == "nothing-released"


@pytest.fixture
def followed(side, app):
    """What a follower of all targets is sent, chunk by chunk."""
    services = Services.of(side.instance)
    wanted = Logs(lines=10, follow=True)
    logs = AppLogs(services, app, wanted)
    logs.refresh()
    stream = streams.read(services.watcher, logs, telling.as_text, Client(None), follow=True)
    yield stream
    stream.close()
    services.database.close()


def test_following_goes_on_over_rotation_and_releases(side, app, followed):
    path = write(side, "v1.web.1", "early\n")
    assert next(followed) == b"web.1 | early\n"
    write(side, "v1.web.1", "half")
    write(side, "v1.web.1", " line\n")
    assert next(followed) == b"web.1 | half line\n"

    path.rename(path.with_name(path.name + ".1"))
    write(side, "v1.web.1", "after rotation\n")
    assert next(followed) == b"web.1 | after rotation\n"

    side.release(app, "web", "worker", commit="b" * 40)
    write(side, "v2.web.1", "new release\n")
    assert next(followed) == b"web.1 | ----- v2 -----\nweb.1 | new release\n"


def test_following_does_not_repeat_what_a_former_process_of_the_name_wrote(side, app):
    write(side, "v1.worker.3", "long ago\n")
    services = Services.of(side.instance)
    wanted = Logs(lines=10, follow=True)
    logs = AppLogs(services, app, wanted)
    logs.refresh()
    stream = streams.read(services.watcher, logs, telling.as_text, Client(None), follow=True)
    write(side, "v1.web.1", "x\n")
    assert next(stream) == b"web.1 | x\n"

    with side.db.write() as tx:
        formation.set_scales(tx, app.id, {"worker": 3})
    write(side, "v1.worker.3", "now\n")

    assert next(stream) == b"worker.3 | now\n"
    stream.close()
    services.database.close()


def test_following_ends_when_the_caller_leaves(side, app):
    services = Services.of(side.instance)
    wanted = Logs(lines=10, follow=True)
    logs = AppLogs(services, app, wanted)
    logs.refresh()
    write(side, "v1.web.1", "x\n")
    ours, theirs = socket.socketpair()
    theirs.close()

    chunks = list(streams.read(services.watcher, logs, telling.as_text, Client(ours), follow=True))
    ours.close()

    assert chunks == [b"web.1 | x\n"]
    services.database.close()


def test_a_caller_is_watched_under_a_high_descriptor(side, app):
    """A busy server has more than the 1024 that select() knows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    ours, theirs = socket.socketpair()
    high = socket.socket(fileno=fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, 1500))
    ours.close()
    client = Client(high)

    assert not client.is_gone()
    theirs.close()
    client.wait(60)
    assert client.is_gone()
    high.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_followers_are_counted_whatever_becomes_of_them(api, client, side, app):
    """Who asks for the head alone, or is refused, holds no place."""
    places = services_of(client.application).places
    authorization = {"Authorization": f"Bearer {side.admin}"}
    for path in (f"{HERE}/logs?follow=true", f"{HERE}/builds/1/log?follow=true"):
        for _ in range(places.streams.size + 1):
            assert client.head(f"/api{path}", headers=authorization).status_code == 200
            assert api("GET", f"{HERE}/logs?follow=true&target=nope")[0] == 422
    with ExitStack() as held:
        for _ in range(places.streams.size):
            held.enter_context(places.for_stream())

        for path in (f"{HERE}/logs?follow=true", f"{HERE}/builds/1/log?follow=true", f"{HERE}/builds/1/log"):
            answer = client.get(f"/api{path}", headers=authorization)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
            assert answer.get_json()["message"] == "64 logs are being read already."
            assert answer.get_json()["hint"] == "Try again in a moment."

    assert api.text(f"{HERE}/builds/1/log?follow=true") == (200, "")


def test_a_long_poll_is_a_short_one_while_too_many_wait(api, client, side, app):
    api("PUT", f"{HERE}/formation", json={"worker": 1})
    places = services_of(client.application).places
    with ExitStack() as held:
        for _ in range(places.polls.size):
            assert held.enter_context(places.polls.held())
        begun = time.monotonic()

        assert api("GET", f"{HERE}/rollouts/2?wait_s=20")[1]["done"] is False
        assert time.monotonic() - begun < 5


@pytest.fixture
def two_releases(side, app):
    write(side, "v1.web.1", "old one\nold two\n")
    write(side, "v1.worker.1", "old work\n")
    side.release(app, "web", "worker", commit="b" * 40)
    write(side, "v2.web.1", "new one\n")


def test_the_output_of_a_process_goes_on_over_releases_with_a_marker_between(api, two_releases):
    assert api.text(f"{HERE}/logs?target=web&lines=2") == (
        200,
        "web.1 | old two\nweb.1 | ----- v2 -----\nweb.1 | new one\n",
    )
    assert api.text(f"{HERE}/logs?lines=1") == (200, "web.1 | new one\nworker.1 | old work\n")


def test_one_process_of_a_target_is_shown_whatever_its_scale_is_now(api, side, app):
    write(side, "v1.worker.1", "first\n")
    write(side, "v1.worker.2", "second\n")
    write(side, "v1.worker.5", "fifth, of before\n")

    assert api.text(f"{HERE}/logs?target=worker&index=2") == (200, "worker.2 | second\n")
    assert api.text(f"{HERE}/logs?target=worker&index=5") == (200, "worker.5 | fifth, of before\n")
    assert api.text(f"{HERE}/logs?index=2") == (200, "worker.2 | second\n")
    assert api("GET", f"{HERE}/logs?index=0")[0] == 422


def test_what_a_process_has_written_of_a_line_is_shown_to_who_does_not_follow(api, side, app):
    write(side, "v1.web.1", "one\nContinue? [y/n] ")
    write(side, "v1.worker.2", "\x1b[1mno line end")

    assert api.text(f"{HERE}/logs?lines=1") == (200, "web.1 | Continue? [y/n] \nworker.2 | no line end\n")
    assert api.text(f"{HERE}/logs?target=web&grep=one") == (200, "web.1 | one\n")


def test_what_a_target_wrote_can_be_read_once_the_procfile_lacks_it(api, side, app):
    write(side, "v1.mailer.10", "mail\n")
    write(side, "v1.mailer.2", "more\n")

    assert api.text(f"{HERE}/logs?target=mailer") == (200, "mailer.2 | more\nmailer.10 | mail\n")
    assert api("GET", f"{HERE}/logs?target=other")[1]["error"] == "unknown-target"


def test_what_a_target_wrote_can_be_read_while_it_is_paused(api, side, app):
    write(side, "v1.worker.1", "first\n")
    with side.db.write() as tx:
        formation.set_paused(tx, app.id, ["worker"], paused=True)

    assert api.text(f"{HERE}/logs?target=worker") == (200, "worker.1 | first\n")


def test_lines_with_a_text_are_found_as_it_stands_over_releases(api, side, two_releases):
    write(side, "v2.web.1", "(.*)+ is no pattern here\n")

    assert api.text(f"{HERE}/logs?grep=one") == (
        200,
        "web.1 | old one\nweb.1 | ----- v2 -----\nweb.1 | new one\n",
    )
    assert api.text(f"{HERE}/logs?grep=(.*)%2B") == (200, "web.1 | (.*)+ is no pattern here\n")
    assert api.text(f"{HERE}/logs?grep=nowhere") == (200, "")


def test_lines_since_a_time_are_all_shown(api, side, two_releases):
    now = int(time.time())
    path = write(side, "v2.web.1", "".join(f"line {n}\n" for n in range(150)))
    path.with_name(f"{path.name}.times").write_bytes(struct.pack("<IIII", 0, now - 3600, 8, now - 60))
    old = side.instance.layout.process_log(1, "MyProdEnv.app02.v1.web.1")
    os.utime(old, (now - 7200, now - 7200))

    status, text = api.text(f"{HERE}/logs?target=web&since=10m")
    assert (status, text.splitlines()) == (200, [f"web.1 | line {n}" for n in range(150)])
    assert api.text(f"{HERE}/logs?target=web&since=10m&lines=1")[1] == "web.1 | line 149\n"
    assert len(api.text(f"{HERE}/logs?target=web&since=90m")[1].splitlines()) == 151
    timed = api.text(f"{HERE}/logs?target=web&since=10m&lines=1&timestamps=true")[1]
    assert timed == f"{datetime.fromtimestamp(now - 60, UTC):%Y-%m-%dT%H:%M:%SZ} web.1 | line 149\n"
    refused = api("GET", f"{HERE}/logs?since=yesterday")
    assert (refused[0], refused[1]["message"]) == (422, "'yesterday' is no time.")


def test_since_a_time_what_was_scaled_away_by_now_is_shown_too(api, side, app):
    write(side, "v1.worker.1", "one\n")
    write(side, "v1.worker.2", "two\n")
    os.utime(write(side, "v1.worker.3", "three\n"), (0, 0))
    scale(side, app, 1)

    assert api.text(f"{HERE}/logs?target=worker&since=10m")[1] == "worker.1 | one\nworker.2 | two\n"
    assert api.text(f"{HERE}/logs?target=worker")[1] == "worker.1 | one\n"


@pytest.fixture
def events(client, side):
    return Events(client, side)


def test_events_tell_the_release_and_the_marker(events, two_releases):
    assert events("?target=web&lines=2") == [
        {"process": "web.1", "release": "v1", "line": "old two"},
        {"process": "web.1", "release": "v2", "line": "----- v2 -----", "marker": True},
        {"process": "web.1", "release": "v2", "line": "new one"},
    ]


def test_who_goes_on_from_a_cursor_misses_nothing_over_rotations_and_releases(side, app, events):
    path = write(side, "v1.web.1", "one\nha")
    events("?lines=1")
    write(side, "v1.web.1", "lf\ntwo\n")
    path.rename(path.with_name(f"{path.name}.1"))
    write(side, "v1.web.1", "three\n")
    side.release(app, "web", "worker", commit="b" * 40)
    write(side, "v2.web.1", "four\n")
    write(side, "v2.worker.2", "five\n")

    first, cursor = going_on(side, app, events.cursor)
    rest, cursor = going_on(side, app, cursor)

    assert [*first, *rest] == [
        "web.1 v1 half",
        "web.1 v1 two",
        "web.1 v1 three",
        "web.1 v2 ----- v2 -----",
        "web.1 v2 four",
        "worker.2 v2 five",
    ]
    assert going_on(side, app, cursor)[0] == []


def test_what_is_scaled_away_or_paused_is_followed_to_its_last_line(side, app):
    for index in (1, 2):  # files are made when their processes start
        write(side, f"v1.worker.{index}", "")
    services = Services.of(side.instance)
    logs = AppLogs(services, app, Logs(follow=True))
    logs.refresh()

    scale(side, app, 1)
    logs.refresh()
    write(side, "v1.worker.2", "ending\n")
    first = [(line.process, line.text) for line in logs.fresh()]
    with side.db.write() as tx:
        formation.set_paused(tx, app.id, ["worker"], paused=True)
    logs.refresh()
    write(side, "v1.worker.1", "ended\n")
    rest = [(line.process, line.text) for line in logs.fresh()]

    assert (first, rest) == ([("worker.2", "ending")], [("worker.1", "ended")])
    logs.close()
    services.database.close()


def scale(side, app, number):
    with side.db.write() as tx:
        formation.set_scales(tx, app.id, {"worker": number})


def test_what_was_scaled_away_is_gone_on_with_from_a_cursor_and_never_repeated(side, app, events):
    write(side, "v1.worker.2", "one\n")
    events("?lines=1")
    scale(side, app, 1)
    write(side, "v1.worker.2", "two\n")

    first, cursor = going_on(side, app, events.cursor)
    scale(side, app, 2)
    again, cursor = going_on(side, app, cursor)
    write(side, "v1.worker.2", "three\n")

    assert (first, again) == (["worker.2 v1 two"], [])
    assert going_on(side, app, cursor)[0] == ["worker.2 v1 three"]


def test_what_is_no_cursor_is_refused(api, app):
    status, said = api("GET", f"{HERE}/logs?cursor=nonsense")

    assert (status, said["error"]) == (422, "invalid-cursor")


def test_the_very_last_line_of_long_ones_is_shown(api, side, app):
    """Where the lines begin that are looked through lies up to a long line before what was asked for."""
    write(side, "v1.web.1", "".join(f"{n:06d}{'x' * 60_000}\n" for n in range(12)) + "the end\n")

    shown = api.text(f"{HERE}/logs?lines=3")[1].splitlines()

    assert [line[:14] for line in shown] == ["web.1 | 000010", "web.1 | 000011", "web.1 | the en"]
