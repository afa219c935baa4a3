"""One thread looks for all who follow, and wakes whom something concerns."""

import socket
import threading
import time
from contextlib import ExitStack

import pytest
from sqlalchemy import event

from gitserver import watch
from gitserver.git.client import Client
from gitserver.watch import Subject, Watcher
from stratum.errors import Unavailable
from stratum.model import BuildState, RolloutState
from stratum.store import builds, rollouts
from tests.there import there
from tests.waiting import wait_until

NOBODY = Client(None)
LONG_S = 20.0


@pytest.fixture
def side(tmp_path):
    from tests.webside import WebSide

    side = WebSide.make(tmp_path / "data")
    yield side
    side.close()


@pytest.fixture
def watcher(side, monkeypatch):
    monkeypatch.setattr(watch, "LINGER_S", 0.05)
    others.update(thread for thread in threading.enumerate() if thread.name == "watcher")
    watcher = Watcher(side.db)
    yield watcher
    wait_until(lambda: not threads())


others: set[threading.Thread] = set()  # of tests before, which linger


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "watcher" and thread not in others]


def queue_build(side, app):
    with side.db.write() as tx:
        return builds.add_build(tx, app.id, "1" * 40, source="redeploy", who="admin")


def append(file, text):
    with file.open("a") as opened:
        opened.write(text)


def took(wait):
    began = time.monotonic()
    wait()
    return time.monotonic() - began


def settled(follower):
    """Wait until all that was true at the start has been told."""
    while took(lambda: follower.wait(0.2)) < 0.2:
        pass


def test_a_follower_wakes_when_its_file_is_made_grows_or_is_replaced(watcher, tmp_path):
    file, other = tmp_path / "log", tmp_path / "other"
    with watcher.watching(Subject(paths=(str(file),)), NOBODY) as follower:
        settled(follower)
        for change in (
            lambda: file.write_text("one\n"),
            lambda: append(file, "two\n"),
            lambda: (other.write_text("new\n"), other.rename(file)),
            file.unlink,
        ):
            change()
            assert took(lambda: follower.wait(LONG_S)) < LONG_S
            settled(follower)


def test_nobody_else_is_woken(watcher, tmp_path, side):
    app = side.app()
    first, second = queue_build(side, app), queue_build(side, side.app("app03"))
    with ExitStack() as held:
        mine, other = (
            held.enter_context(
                watcher.watching(Subject(build=build.id, paths=(str(tmp_path / str(build.id)),)), NOBODY)
            )
            for build in (first, second)
        )
        settled(mine)
        settled(other)
        (tmp_path / str(first.id)).write_text("line\n")
        mine.wait(LONG_S)
        assert took(lambda: other.wait(0.3)) >= 0.3


def test_states_of_builds_and_rollouts_are_told(watcher, side):
    app = side.app()
    build = queue_build(side, app)
    with side.db.write() as tx:
        rollout = rollouts.add_rollout(tx, app.id, cause="scale", who="admin")
    with (
        watcher.watching(Subject(build=build.id), NOBODY) as of_build,
        watcher.watching(Subject(rollout=rollout.id), NOBODY) as of_rollout,
    ):
        wait_until(lambda: of_build.news.build and of_rollout.news.rollout)
        with side.db.write() as tx:
            builds.finish(tx, there(builds.claim_next(tx, app.id, "1:1")), BuildState.FAILED)
        wait_until(lambda: there(of_build.news.build).is_settled)
        with side.db.write() as tx:
            builds_of = of_rollout.news
            rollouts.record(tx, there(rollouts.claim_next(tx, app.id, "1:1")), RolloutState.SUCCEEDED, ())
        wait_until(lambda: there(of_rollout.news.rollout).is_ended)
    assert builds_of.build is None


def test_what_is_gone_is_told(watcher):
    with watcher.watching(Subject(build=99), NOBODY) as follower:
        wait_until(lambda: follower.news.is_gone)


def test_a_caller_that_leaves_wakes_its_follower(watcher):
    ours, theirs = socket.socketpair()
    with ours, watcher.watching(Subject(), Client(ours)) as follower:
        settled(follower)
        theirs.close()
        assert took(lambda: follower.wait(LONG_S)) < LONG_S


def test_many_followers_ask_the_database_once_and_hold_no_connection(watcher, side):
    app = side.app()
    made = [queue_build(side, app) for _ in range(40)]
    asked = []
    engine = side.db._engine
    with ExitStack() as held:
        followers = [held.enter_context(watcher.watching(Subject(build=build.id), NOBODY)) for build in made]
        wait_until(lambda: all(follower.news.build for follower in followers))
        event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
        wait_until(lambda: engine.pool.checkedout() == len(side.db._idle))
        time.sleep(0.3)
        assert asked == []

        with side.db.write() as tx:
            builds.claim_next(tx, app.id, "1:1")
        wait_until(lambda: there(followers[0].news.build).state is BuildState.RUNNING)
    assert len([statement for statement in asked if "LEFT OUTER JOIN rollouts" in statement]) == 1


def test_a_database_that_fails_for_a_while_costs_no_news(watcher, side, monkeypatch):
    app = side.app()
    build = queue_build(side, app)

    failed = threading.Event()

    def fail():
        failed.set()
        message = "busy"
        raise Unavailable(message)

    with watcher.watching(Subject(build=build.id), NOBODY) as follower:
        wait_until(lambda: follower.news.build)
        with monkeypatch.context() as patched:
            patched.setattr(side.db, "read", fail)
            with side.db.write() as tx:
                builds.claim_next(tx, app.id, "1:1")
            assert failed.wait(30)
            assert there(follower.news.build).state is BuildState.QUEUED
        wait_until(lambda: there(follower.news.build).state is BuildState.RUNNING)


def test_the_thread_ends_when_nobody_follows_and_comes_back(watcher):
    assert not threads()
    for _ in range(2):
        with watcher.watching(Subject(build=99), NOBODY) as follower:
            wait_until(lambda: follower.news.is_gone)
            assert len(threads()) == 1
        wait_until(lambda: not threads())


def test_an_error_of_the_watcher_does_not_end_it(watcher, tmp_path, monkeypatch, caplog):
    with watcher.watching(Subject(paths=("a\0b",)), NOBODY), pytest.MonkeyPatch.context() as patched:
        patched.setattr("gitserver.watch.time.sleep", lambda _: None)
        wait_until(lambda: "watching for followers failed" in caplog.text)
    with watcher.watching(Subject(build=99), NOBODY) as follower:
        wait_until(lambda: follower.news.is_gone)
