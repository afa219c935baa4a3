"""Upkeep in a real web process, with a `nice` that never gets to git, so that it lasts."""

import os
import signal
from pathlib import Path

import pytest

from gitserver.git.repos import ensure_repo
from hooks.care import processes, upkeep
from tests.gitweb import FakeBuilder, new_web, run_git
from tests.repos import commit, git
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def web(tmp_path):
    slow = tmp_path / "bin/nice"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nsleep 60 & wait\n")
    slow.chmod(0o755)
    made = new_web(tmp_path, PATH=f"{slow.parent}:{os.environ['PATH']}")
    yield made
    made.close()


@pytest.fixture
def app(web):
    """An app whose repository needs a whole upkeep."""
    app = web.new_app()
    repo = ensure_repo(web.instance, app)
    (repo / upkeep.STAMP).touch()
    os.utime(repo / upkeep.STAMP, (0, 0))
    return app


def at_work(web):
    return [one for one in processes.at_work(web.instance.layout.repos.resolve()) if one.tends]


def test_a_push_ends_the_upkeep_of_its_repository(web, app):
    web.start()
    wait_until(lambda: at_work(web))
    with FakeBuilder(web):
        pushed = run_git(web.source("source"), "push", web.url(app), "master")

    assert pushed.code == 0, pushed.said
    assert at_work(web) == []


def test_a_push_elsewhere_lets_it_be(web, app):
    web.start()
    wait_until(lambda: at_work(web))
    with FakeBuilder(web):
        assert run_git(web.source("source"), "push", web.url(web.new_app()), "master").code == 0

    assert at_work(web)
    web.stop()


def test_a_web_process_that_is_killed_leaves_none_to_meet_a_push(web, app):
    web.start()
    left = wait_until(lambda: at_work(web))
    workers = [int(pid) for pid in children(web._server.pid)]
    for pid in (web._server.pid, *workers):
        os.kill(pid, signal.SIGKILL)
    web._server.wait()
    wait_until(lambda: not web.is_listening())  # a worker that is being ended still holds the port
    assert {one.name for one in left} <= {one.name for one in at_work(web)}
    web.start()
    with FakeBuilder(web):
        assert run_git(web.source("source"), "push", web.url(app), "master").code == 0

    assert not {one.name for one in left} & {one.name for one in at_work(web)}


def children(pid):
    return wait_until(lambda: Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def test_many_packs_are_joined_without_being_asked(web, app, tmp_path):
    (tmp_path / "bin/nice").unlink()
    repo, source = web.repo(app), web.source("source")
    git(repo, "config", "receive.unpackLimit", "1")
    git(repo, "config", "receive.autogc", "false")
    for number in range(upkeep.MANY_PACKS + 2):
        commit(source, {"file": str(number)})
        git(source, "push", "-q", str(repo), "master")
    (repo / upkeep.STAMP).touch()
    assert len(list((repo / "objects/pack").glob("*.pack"))) > upkeep.MANY_PACKS
    web.start()
    wait_until(lambda: len(list((repo / "objects/pack").glob("*.pack"))) < 10, timeout=60)
    with FakeBuilder(web):
        commit(source, {"file": "last"})
        assert run_git(source, "push", web.url(app), "master").code == 0

    assert git(repo, "rev-list", "--count", "master") == git(source, "rev-list", "--count", "HEAD")
    git(repo, "fsck", "--strict")
