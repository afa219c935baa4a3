"""Kill -9 of all that receives a push at each named point of the receive path: what was told is the truth.

The web process alone, so that every part of it can be killed at every point within minutes; what builds
and runs is killed in test_kill.py.
"""

import os
import signal

import pytest

from hooks.care.processes import at_work
from hooks.sweep import sweep
from stratum.faults import GATED_POINTS, POINTS
from stratum.model import App, BuildState
from tests.gitweb import FakeBuilder, GitWeb, run_git, served, started_git
from tests.killing import (
    OK,
    REJECTED,
    WEB,
    Outcome,
    check_no_object,
    is_with_git,
    kill,
    left_in,
    told_by,
)
from tests.repos import commit, git
from tests.waiting import found, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

RECEIVING = [point for point in (*POINTS, *GATED_POINTS) if point.startswith("receive.")]
KILLS = [(point, part) for point in RECEIVING for part in WEB if part != "git" or is_with_git(point)]


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started, FakeBuilder(started):
        yield started


def test_there_are_enough_points():
    assert len(RECEIVING) >= 12


@pytest.mark.parametrize(("point", "part"), KILLS)
def test_what_was_told_is_the_truth(web, point, part):
    app, source = web.new_app(), web.source(f"{point}-{part}")
    gated = ["--push-option=gate=build"] if point in GATED_POINTS else []
    assert run_git(source, "push", web.url(app), "master").code == 0
    tip = commit(source, {"more": "1"})

    web.arm(point)
    with started_git(source, "push", *gated, web.url(app), "master") as process:
        kill_part(web, part, point)
        web.go(point)
        shown = process.communicate(timeout=60)[0].decode()

    outcome = Outcome(point, tip, told_by(shown), shown)
    assert (outcome.told == OK) or process.returncode, shown
    check(web, app, outcome)
    if web.ref(app) != tip:
        assert run_git(source, "push", web.url(app), "master").code == 0
    wait_until(lambda: lasting(web, app, tip) == [BuildState.SUCCEEDED])
    git(web.repo(app), "fsck", "--strict")


def kill_part(web: GitWeb, part: str, point: str) -> None:
    waiting = web.reached(point)
    if part == "self":
        kill(waiting)
    elif part == "git":
        for worker in at_work(web.instance.layout.repos.resolve()):
            kill(worker.pid)
    else:
        assert web._server is not None
        os.kill(web._server.pid, signal.SIGKILL)
        web._server.wait()
        web.go(point)  # its worker sees that it is alone, and ends with its request
        wait_until(lambda: not web.is_listening(), timeout=60)
        web.start()


def check(web: GitWeb, app: App, outcome: Outcome) -> None:
    layout = web.instance.layout
    wait_until(lambda: not at_work(layout.repos.resolve()), timeout=30)
    wait_until(lambda: not web.pending(app))
    is_there = web.ref(app) == outcome.commit
    assert is_there or outcome.told != OK, outcome.shown
    assert not is_there or outcome.told != REJECTED, outcome.shown
    if is_there:
        wait_until(lambda: lasting(web, app, outcome.commit) == [BuildState.SUCCEEDED])
    else:
        wait_until(lambda: lasting(web, app, outcome.commit) == [])
        check_no_object(layout, web.repo(app), outcome)
    sweep(layout, lock_age_s=0.0)
    assert left_in(web.repo(app)) == []
    wait_until(lambda: not found(layout.spools, "*/*"))


def lasting(web: GitWeb, app: App, tip: str) -> list[BuildState]:
    """States of a commit's builds that were not given up."""
    states = [build.state for build in web.builds(app) if build.commit == tip]
    return [state for state in states if state is not BuildState.CANCELED]
