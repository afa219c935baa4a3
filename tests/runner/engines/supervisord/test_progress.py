"""How far a section has come, by what supervisord says of it."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from runner.engines.engine import Watched
from runner.engines.supervisord.progress import progress
from runner.plan import Process
from stratum.model import Strategy
from stratum.states import ProcessStatus, State

PID, LIMIT_S = 4711, 0.3
NAME = "MyProdEnv.app02.v1.web.1"


def watched(*, port: int = 0, is_up: bool = False) -> Watched:
    return Watched(Process(NAME, "web", 1, 1, "x", Strategy.OVERLAP, port), PID, is_up)


def status(state: State, *, age_s: float = 0.0, pid: int | None = PID) -> ProcessStatus:
    return ProcessStatus(NAME, pid, state, datetime.now(UTC) - timedelta(seconds=age_s), 0, 3)


def nobody(_pid: int, _port: int) -> bool:
    return False


def unasked(_pid: int, _port: int) -> bool:
    raise AssertionError


def test_the_moment_it_has_to_live_for_is_told() -> None:
    now = progress(watched(), status(State.STARTING, age_s=0.1), unasked, LIMIT_S)
    assert not now.is_done
    assert 0 < now.due_s <= LIMIT_S - 0.1
    assert progress(watched(), status(State.RUNNING, age_s=0.4), unasked, LIMIT_S).is_done


def test_a_clock_that_is_set_back_keeps_nobody_waiting() -> None:
    begun_later = status(State.RUNNING, age_s=-3600)
    one = replace(watched(), watched_at_s=time.monotonic() - LIMIT_S)

    assert progress(one, begun_later, unasked, LIMIT_S).is_done
    assert progress(watched(), begun_later, unasked, LIMIT_S).due_s <= LIMIT_S


def test_one_with_a_port_is_judged_by_the_port_alone() -> None:
    old = status(State.RUNNING, age_s=99)
    assert not progress(watched(port=80), old, nobody, LIMIT_S).is_done
    assert progress(watched(port=80), old, lambda *asked: asked == (PID, 80), LIMIT_S).is_done


def test_of_one_that_was_up_nobody_is_asked_again() -> None:
    assert progress(watched(port=80, is_up=True), status(State.STARTING), unasked, LIMIT_S).is_done


@pytest.mark.parametrize(
    ("state", "pid"),
    [
        (State.BACKOFF, None),
        (State.EXITED, None),
        (State.STOPPING, PID),
        (State.STOPPED, None),
    ],
)
def test_one_that_ended_or_is_to_end_is_stuck_however_well_it_was(state: State, pid: int | None) -> None:
    now = progress(watched(is_up=True), status(state, pid=pid, age_s=2), unasked, LIMIT_S)
    assert (now.is_done, now.exit_status) == (False, 3)
    assert now.stuck == "exit status 3 after 2.0 s"


def test_one_that_was_started_again_is_told_with_the_time_it_lived_itself() -> None:
    started = replace(watched(port=80), since=datetime.now(UTC) - timedelta(seconds=5))
    now = progress(started, status(State.RUNNING, pid=PID + 1, age_s=2), unasked, LIMIT_S)
    assert (now.is_done, now.exit_status, now.stuck) == (False, 3, "exit status 3 after 3.0 s")


def test_one_that_nobody_knows_is_stuck() -> None:
    now = progress(watched(), None, unasked, LIMIT_S)
    assert (now.stuck, now.exit_status) == ("its section was removed by somebody else", None)
