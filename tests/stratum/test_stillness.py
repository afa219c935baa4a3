"""Who of `_work` stands still is ended; nobody else is."""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from stratum import stillness
from stratum.door import proc
from stratum.layout import Layout
from stratum.stillness import LIMIT_S, Watchdog
from tests.waiting import wait_until


@pytest.fixture
def start(tmp_path):
    started = []

    def start(program="stratum.prefork", data=tmp_path):
        argv = [sys.executable, "-c", "import time; time.sleep(60)", program, "x"]
        process = subprocess.Popen(argv, env={**os.environ, "STRATUM_DATA": str(data)})
        started.append(process)
        wait_until(lambda: proc.variables(process.pid, ("STRATUM_DATA",)))
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def look(tmp_path, monkeypatch):
    """Look again and again, for some seconds of the watchdog's clock."""
    at = [1000.0]
    monkeypatch.setattr(stillness, "time", SimpleNamespace(monotonic=lambda: at[0]))
    watchdog = Watchdog(Layout(tmp_path, "x"))

    def look(seconds, step_s=1.0):
        for _ in range(int(seconds / step_s)):
            at[0] += step_s
            watchdog.look()

    return look


def stop(process):
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: stillness._is_stopped(process.pid))


def test_one_of_ours_that_stands_still_is_ended(start, look):
    stopped, at_work = start(), start()
    stop(stopped)

    look(LIMIT_S + 5)

    assert stopped.wait(timeout=30) == -signal.SIGKILL
    assert at_work.poll() is None


def test_one_that_goes_on_in_time_is_left_alone(start, look):
    paused = start()
    for _ in range(5):
        stop(paused)
        look(LIMIT_S - 1)
        paused.send_signal(signal.SIGCONT)
        wait_until(lambda: not stillness._is_stopped(paused.pid))
        look(4)

    assert paused.poll() is None


def test_others_may_stand_still_for_as_long_as_they_like(start, look, tmp_path):
    others = [start(program="vim"), start(data=tmp_path / "other")]
    for one in others:
        stop(one)

    look(60)

    assert [one.poll() for one in others] == [None, None]


def test_a_pause_of_ours_counts_for_little(start, look):
    paused = start()
    look(10)
    stop(paused)

    look(7200, step_s=3600.0)

    assert paused.poll() is None
