"""The web process killed at each named point of a push: what was told "ok" is built once, else nothing."""

import os
import signal
from pathlib import Path

import pytest

from stratum.model import BuildState, PushState
from tests.gitweb import FakeBuilder, GitWeb, end, run_git, served, started_git
from tests.repos import commit, git
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

UNMOVED = ("receive.checked", "receive.journaled")
MOVED = ("receive.moved", "receive.accepted", "receive.nudged")


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started, FakeBuilder(started):
        yield started


def kill_at(web: GitWeb, point: str, process, *, with_client: bool) -> None:
    pid = web.reached(point)
    if with_client:
        end(process)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("point", [*UNMOVED, *MOVED])
def test_killed_with_its_client_the_journal_tells_the_truth(web, point):
    app, source = web.new_app(), web.source(f"killed-{point}")
    run_git(source, "push", web.url(app), "master")
    before = web.ref(app)
    tip = commit(source, {"more": "1"})

    web.arm(point)
    with started_git(source, "push", web.url(app), "master") as process:
        kill_at(web, point, process, with_client=True)

    wait_until(lambda: not web.pending(app))
    newest = web.newest(app)
    assert newest is not None
    assert newest.state is PushState.ACCEPTED
    if point in UNMOVED:
        assert (web.ref(app), newest.update.new, len(web.builds(app))) == (before, before, 1)
    else:
        assert (web.ref(app), newest.update.new) == (tip, tip)
        assert [build.commit for build in web.builds(app)] == [before, tip]
        wait_until(lambda: web.builds(app)[-1].state is BuildState.SUCCEEDED)


@pytest.mark.parametrize("point", [*UNMOVED, *MOVED])
def test_killed_alone_the_client_tries_again_and_is_told_the_truth(web, point):
    """git's client repeats the request unasked where it had no answer yet: one push, one build."""
    app, source = web.new_app(), web.source(f"retried-{point}")
    tip = git(source, "rev-parse", "HEAD")

    web.arm(point)
    with started_git(source, "push", web.url(app), "master") as process:
        kill_at(web, point, process, with_client=False)
        said = process.communicate(timeout=30)[0].decode()

    wait_until(lambda: not web.pending(app))
    if process.returncode == 0:
        assert "master -> master" in said
        assert web.ref(app) == tip
    assert [build.commit for build in web.builds(app)] == ([tip] if web.ref(app) else [])
    assert run_git(source, "push", web.url(app), "master").code == 0
    assert [build.commit for build in web.builds(app)] == [tip]


@pytest.mark.parametrize("point", ["receive.journaled", "receive.moved"])
def test_client_killed_after_yes_the_push_is_carried_to_its_end(web, point):
    app, source = web.new_app(), web.source(f"client-{point}")
    tip = git(source, "rev-parse", "HEAD")

    web.arm(point)
    with started_git(source, "push", web.url(app), "master") as process:
        web.reached(point)
        end(process)
        wait_until(lambda: is_left(web.port))
        web.go(point)

    wait_until(lambda: web.builds(app))
    assert (web.ref(app), web.pending(app)) == (tip, [])


def is_left(port: int) -> bool:
    """Whether the other end of a connection of the server has closed it (CLOSE_WAIT; Linux, proc(5))."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "08" for row in rows)


def test_what_killed_pushes_left_is_swept(web):
    """The folder of the objects sent stays when git is killed; the next web process removes it."""
    app, source = web.new_app(), web.source("swept")
    web.arm("receive.checked")
    with started_git(source, "push", web.url(app), "master") as process:
        pid = web.reached("receive.checked")
        end(process)
        (quarantine,) = (web.repo(app) / "objects").glob("tmp_objdir-*")
        receivers = [
            int(entry.name)
            for entry in os.scandir("/proc")
            if entry.name.isdigit() and _parent(entry.name) == pid
        ]
        for receiver in receivers:
            os.killpg(receiver, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)

    wait_until(lambda: not quarantine.exists())
    assert run_git(source, "push", web.url(app), "master").code == 0


def _parent(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123  # one line of a file that is not on disk
            return int(stat.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_many_pushes_and_kills_lose_nothing(web):
    """Rounds of kills at changing points, with the client alive and dead."""
    app, source = web.new_app(), web.source("soaked")
    points = [*UNMOVED, *MOVED]
    for number in range(100):
        tip = commit(source, {"round": str(number)})
        web.arm(points[number % len(points)])
        with started_git(source, "push", "--force", web.url(app), "master") as process:
            kill_at(web, points[number % len(points)], process, with_client=number % 2 == 0)
            process.wait(60)
        wait_until(lambda: not web.pending(app))
        commits = [build.commit for build in web.builds(app)]
        assert len(commits) == len(set(commits))
        assert (web.ref(app) == tip) == (tip in commits)
        assert process.returncode != 0 or tip in commits
