"""Receives and upkeeps of one repository never meet, and it is the upkeep that gives way."""

import os
import threading
import time

import pytest

from hooks.care.turns import Turns

ENVIRON = {"PATH": os.environ["PATH"]}


@pytest.fixture
def turns():
    return Turns()


def tending(turns, repo, *argv, done):
    """Run a program in a turn of its own, in a thread; it ends with its outcome in `done`."""
    began = threading.Event()

    def run():
        with turns.tending(repo) as turn:
            began.set()
            done.append(turn.run(argv, ENVIRON))

    thread = threading.Thread(target=run)
    thread.start()
    began.wait()
    return thread


def test_no_upkeep_begins_during_a_receive(turns, tmp_path):
    with turns.receiving(tmp_path), turns.receiving(tmp_path), turns.tending(tmp_path) as turn:
        assert turn is None
    with turns.tending(tmp_path) as turn:
        assert turn is not None


def test_a_receive_elsewhere_is_not_in_the_way(turns, tmp_path):
    with turns.receiving(tmp_path / "other"), turns.tending(tmp_path) as turn:
        assert turn.run(["true"], ENVIRON)
        assert not turn.run(["false"], ENVIRON)


def test_what_it_reads_and_where_it_works(turns, tmp_path):
    with turns.tending(tmp_path) as turn:
        assert turn.run(["sh", "-c", "cat >read"], ENVIRON, b"a\0b")

    assert (tmp_path / "read").read_bytes() == b"a\0b"


def test_a_receive_ends_the_upkeep_and_waits_for_all_it_started(turns, tmp_path):
    done: list[bool] = []
    script = "trap 'rm alive; exit 1' TERM; touch alive; sleep 60 & wait"
    thread = tending(turns, tmp_path, "sh", "-c", script, done=done)
    while not (tmp_path / "alive").exists():
        time.sleep(0.01)
    with turns.receiving(tmp_path):
        assert not (tmp_path / "alive").exists()
    thread.join()

    assert done == [False]


def test_an_upkeep_that_does_not_listen_is_killed(turns, tmp_path):
    done: list[bool] = []
    thread = tending(turns, tmp_path, "sh", "-c", "trap '' TERM; touch alive; sleep 60", done=done)
    while not (tmp_path / "alive").exists():
        time.sleep(0.01)
    with turns.receiving(tmp_path):
        pass
    thread.join()

    assert done == [False]


def test_an_upkeep_that_gave_way_begins_nothing_more(turns, tmp_path):
    with turns.tending(tmp_path) as turn:
        receiver = threading.Thread(target=lambda: turns.receiving(tmp_path).__enter__())
        receiver.start()
        while not turn.gave_way:
            time.sleep(0.01)
        assert not turn.run(["true"], ENVIRON)
    receiver.join()


def test_many_receives_wait_for_one_end(turns, tmp_path):
    done: list[bool] = []
    thread = tending(turns, tmp_path, "sleep", "60", done=done)
    seen: list[bool] = []

    def receive():
        with turns.receiving(tmp_path):
            seen.append(thread.is_alive() and not done)

    receivers = [threading.Thread(target=receive) for _ in range(8)]
    for receiver in receivers:
        receiver.start()
    for receiver in receivers:
        receiver.join()
    thread.join()

    assert done == [False]
    assert seen == [False] * 8
