"""Rows of `ps` from what is wished and what supervisord knows."""

from datetime import UTC, datetime, timedelta

import pytest

from stratum.model import App, Crash, Environment, Formation, Release, ReleaseState, Target
from stratum.processes import crash_text, label, listed, prefixes, wished_names
from stratum.states import ProcessStatus, State

AT = datetime(2026, 11, 21, tzinfo=UTC)
APP = App(1, "app02", Environment(1, "MyProdEnv", "production", False, AT), None, 1, False, AT)
RELEASE = Release(
    1,
    1,
    3,
    1,
    "c",
    "s",
    0,
    (Target("web", "x"), Target("worker", "y")),
    "push",
    "me",
    ReleaseState.LIVE,
    AT,
    "app02",
)


def status(name, state, pid=None, exit_status=None, restarts=0):
    return ProcessStatus(name, pid, State(state), AT, restarts, exit_status)


def test_wished_names_follow_the_procfile_and_the_formation():
    formation = Formation({"worker": 2, "web": 1, "gone": 3})

    assert wished_names(APP, RELEASE, formation) == [
        "MyProdEnv.app02.v3.web.1",
        "MyProdEnv.app02.v3.worker.1",
        "MyProdEnv.app02.v3.worker.2",
    ]
    assert prefixes(APP, ("app02", "Old")) == ["MyProdEnv.app02.v", "MyProdEnv.Old.v"]
    assert label("MyProdEnv.app02.v3.worker.2") == "worker.2"


def test_wished_processes_come_first_and_those_on_their_way_out_last():
    old = status("MyProdEnv.app02.v2.web.1", "STOPPING", pid=7)
    new = status("MyProdEnv.app02.v3.web.1", "RUNNING", pid=8, restarts=2)

    found = listed(
        ["MyProdEnv.app02.v3.web.1", "MyProdEnv.app02.v3.worker.1"], [old, new], {new.name: 20001}, AT
    )

    assert [(one.release, one.target, one.state, one.pid, one.port, one.restarts) for one in found] == [
        (3, "web", "running", 8, 20001, 2),
        (3, "worker", "stopped", None, None, 0),
        (2, "web", "stopping", 7, None, 0),
    ]


def test_what_a_new_process_has_relieved_is_not_listed_as_stopped():
    wished = [f"MyProdEnv.app02.v2.web.{index}" for index in (1, 2, 3)]
    new = status("MyProdEnv.app02.v3.web.1", "RUNNING", pid=8)
    failed = status("MyProdEnv.app02.v3.web.2", "EXITED", exit_status=1)
    old = status(wished[2], "RUNNING", pid=7)

    found = listed(wished, [new, failed, old], {}, AT)

    assert [(one.release, one.index, one.state) for one in found] == [
        (2, 2, "stopped"),
        (2, 3, "running"),
        (3, 1, "running"),
        (3, 2, "crashed (exit 1)"),
    ]


@pytest.mark.parametrize(("lived_ms", "said"), [(-1, "starting"), (0, "running"), (500, "running")])
def test_a_process_that_has_lived_long_enough_runs(lived_ms, said):
    """Whatever supervisord calls it in its first second."""
    new = status("MyProdEnv.app02.v3.worker.1", "STARTING", pid=8)

    (found,) = listed([new.name], [new], {}, AT + timedelta(milliseconds=lived_ms))

    assert found.state == said


@pytest.mark.parametrize(
    ("state", "exit_status", "said"),
    [
        ("STARTING", None, "starting"),
        ("RUNNING", 1, "running"),
        ("EXITED", 1, "crashed (exit 1)"),
        ("EXITED", -9, "crashed (SIGKILL)"),
        ("EXITED", -99, "crashed (signal 99)"),
        ("FATAL", None, "crashed"),
        ("BACKOFF", 127, "waiting to restart (exit 127)"),
        ("STOPPED", 0, "stopped"),
        ("UNKNOWN", None, "unknown"),
    ],
)
def test_states_are_said_in_words(state, exit_status, said):
    name = "MyProdEnv.app02.v3.web.1"

    (found,) = listed([], [status(name, state, exit_status=exit_status)], {}, AT)

    assert (found.state, found.since) == (said, None)


def crash(exit_status):
    return Crash(1, "MyProdEnv.app02.v3.worker.1", AT, 5, exit_status, AT)


@pytest.mark.parametrize(
    ("exit_status", "state", "last"),
    [
        (1, "crash-looping (exit 1)", "the last with exit 1"),
        (-9, "crash-looping (SIGKILL)", "the last with SIGKILL"),
        (0, "crash-looping (exit 0)", "the last with exit 0, though a process has to keep running"),
        (None, "crash-looping", "it could not be started"),
    ],
)
def test_a_process_that_keeps_ending_is_crash_looping_whatever_supervisord_calls_it(exit_status, state, last):
    looping = crash(exit_status)

    (found,) = listed([], [status(looping.process, "RUNNING", pid=7)], {}, AT, [looping])

    assert (found.state, found.crash) == (state, looping)
    said = f"worker.1 of v3 is crash-looping since 2026-11-21 00:00:00 UTC: 5 crashes, {last}"
    assert crash_text(looping) == said
