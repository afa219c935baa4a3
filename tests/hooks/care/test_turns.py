"""Receives and upkeeps of one repository never meet, and it is the upkeep that gives way."""

import os
import threading
import time

import pytest

from hooks.care import turns as turns_module
from hooks.care.turns import BUSY_AFTER, Turns
from tests.waiting import wait_until

ENVIRON = {"PATH": os.environ["PATH"]}


@pytest.fixture
def turns():
    return Turns()


def tending(turns, repo, *argv, done, is_urgent=False):
    """Run a program in a turn of its own, in a thread; it ends with its outcome in `done`."""
    began = threading.Event()

    def run():
        with turns.tending(repo, is_urgent=is_urgent) as turn:
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


# -- urgent
def receiving(turns, repo, at_work):
    """Receive in a thread, which adds to a list when it may."""

    def run():
        with turns.receiving(repo):
            at_work.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_receives_wait_for_an_urgent_upkeep(turns, tmp_path):
    os.mkfifo(tmp_path / "go")
    done: list[bool] = []
    at_work: list[bool] = []
    thread = tending(turns, tmp_path, "sh", "-c", "read line <go", done=done, is_urgent=True)
    receivers = [receiving(turns, tmp_path, at_work) for _ in range(3)]
    wait_until(lambda: turns._receives[tmp_path] == len(receivers))
    assert at_work == []
    (tmp_path / "go").write_text("\n")
    for one in (thread, *receivers):
        one.join()

    assert done == [True]
    assert at_work == [True] * 3


def test_an_urgent_upkeep_that_lasts_gives_way_after_all(turns, tmp_path, monkeypatch):
    monkeypatch.setattr(turns_module, "PATIENCE_S", 0.1)
    done: list[bool] = []
    thread = tending(turns, tmp_path, "sleep", "60", done=done, is_urgent=True)
    for _ in range(2):
        with turns.receiving(tmp_path):
            pass
    thread.join()

    assert done == [False]


def test_an_urgent_upkeep_comes_between_receives_that_leave_no_gap(turns, tmp_path, monkeypatch):
    monkeypatch.setattr(turns_module, "GAP_WITHIN_S", 60.0)
    done: list[bool] = []
    at_work: list[bool] = []
    with turns.receiving(tmp_path):
        thread = threading.Thread(target=lambda: run_urgent(turns, tmp_path, done))
        thread.start()
        wait_until(lambda: turns._upkeep)
        next_one = receiving(turns, tmp_path, at_work)
        wait_until(lambda: turns._receives[tmp_path] == 2)
        assert (at_work, done) == ([], [])
    thread.join()
    next_one.join()

    assert (at_work, done) == ([True], [True])


def run_urgent(turns, repo, done):
    with turns.tending(repo, is_urgent=True) as turn:
        done.append(turn is not None and turn.run(["true"], ENVIRON))


def test_an_urgent_upkeep_does_not_wait_long_for_a_receive_that_lasts(turns, tmp_path, monkeypatch):
    monkeypatch.setattr(turns_module, "GAP_WITHIN_S", 0.01)
    done: list[bool] = []
    with turns.receiving(tmp_path):
        run_urgent(turns, tmp_path, done)
        with turns.receiving(tmp_path):
            pass

    assert done == [False]


def test_a_repository_that_is_pushed_to_much_is_named(turns, tmp_path):
    for _ in range(BUSY_AFTER):
        assert turns.busy(0) == set()
        with turns.receiving(tmp_path), turns.receiving(tmp_path / "other"):
            pass
        with turns.receiving(tmp_path / "third"):
            pass
        turns._ended.pop(tmp_path / "third")

    assert turns.busy(60) == {tmp_path, tmp_path / "other"}
    assert turns.busy(0) == set()


def test_the_end_of_a_receive_wakes_the_tender_only_for_a_repository_that_is_busy(tmp_path):
    looks: list[None] = []

    class Looked(Turns):
        def _named(self):
            looks.append(None)
            return super()._named()

    turns = Looked()
    tender = threading.Thread(target=turns.busy, args=(60,))
    tender.start()
    for _ in range(BUSY_AFTER - 1):
        with turns.receiving(tmp_path):
            pass
    assert len(looks) <= 1

    with turns.receiving(tmp_path):
        pass
    tender.join(60)
    assert not tender.is_alive()
