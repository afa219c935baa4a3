"""A builder is killed at every named point; afterwards there is one end of the build and one release."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from builder import lease
from builder.flushing import Flushing
from runner.apply.parts import Parts
from runner.recover import Recovery
from stratum.model import App, BuildState
from stratum.ownership import is_free
from stratum.store import builds, rollouts
from tests.fakes import FakeNudges
from tests.killing import children
from tests.waiting import wait_until
from tests.yard import ROOT, Yard

pytestmark = pytest.mark.integration

CHECKOUT = Path(__file__).parents[2]
POINTS = ["build.claimed", "build.unpacked", "build.installed", "build.sealed", "build.released"]


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.skipif(not ROOT, reason="needs root"))])
def yard(request):
    made = Yard.make(fenced=request.param)
    yield made
    made.remove()


def builder(yard: Yard, app_id: int, **environ: str) -> subprocess.Popen[bytes]:
    """Start what a nudge starts, in a process of its own."""
    code = f"from builder.jobs import run_builds; run_builds({app_id})"
    env = {"PATH": os.environ["PATH"], "STRATUM_DATA": str(yard.layout.data), **environ}
    env["STRATUM_REDIS_URL"] = "unix:///nonexistent.sock"
    return subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT, env=env)


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def processes_naming(text: str) -> list[int]:
    """Pids of all processes whose arguments or environment have a text in them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            known = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in known and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found


@pytest.mark.parametrize("point", POINTS)
def test_a_builder_killed_at_a_named_point_leaves_one_release(yard: Yard, point: str):
    app = yard.app({"Procfile": "web: x\n", "requirements.txt": ""})
    faults = yard.folder / "faults"
    faults.mkdir()
    (faults / point).touch()
    lock = yard.layout.locks / f"build-{app.id}"

    killed = builder(yard, app.id, STRATUM_FAULTS_DIR=str(faults))
    wait_until((faults / f"{point}.reached.pid").exists, timeout=30)
    kill(killed)
    wait_until(lambda: is_free(lock))
    wait_until(lambda: processes_naming(str(yard.layout.data)) == [])  # each ends with the one that began it
    yard.give_back(app)
    build = yard.build(app)

    assert build.state is BuildState.SUCCEEDED
    assert build.attempt == (1 if point == "build.released" else 2)
    (release,) = yard.releases(app)
    assert build.release_id == release.id
    with yard.shop.db.write() as tx:
        assert rollouts.claim_next(tx, app.id, "1:1") is not None
    assert len(yard.builds(app)) == 1
    assert yard.scratch(app) == []
    assert [slug.name for slug in slugs(yard, app)] == [release.slug]


def test_what_was_sealed_by_a_builder_that_was_lost_goes_when_nobody_wants_it(yard: Yard):
    app = yard.app({"Procfile": "web: x\n"})
    faults = yard.folder / "faults"
    faults.mkdir()
    (faults / "build.sealed").touch()

    killed = builder(yard, app.id, STRATUM_FAULTS_DIR=str(faults))
    wait_until((faults / "build.sealed.reached.pid").exists, timeout=30)
    assert len(slugs(yard, app)) == 1
    with yard.shop.db.write() as tx:
        builds.cancel(tx, yard.builds(app)[0], "Not wanted.")
    kill(killed)
    wait_until(lambda: is_free(yard.layout.locks / f"build-{app.id}"))
    yard.give_back(app)

    assert yard.build(app).state is BuildState.CANCELED
    assert slugs(yard, app) == []


def test_a_builder_that_cannot_read_its_builds_record_ends_and_another_builds(yard: Yard):
    """Nobody would renew the lease, or see that the build is given up, as long as it lived."""
    app = yard.app({"Procfile": "web: x\n"})
    faults = yard.folder / "faults"
    faults.mkdir()
    (faults / "build.unpacked").touch()
    ended = builder(yard, app.id, STRATUM_FAULTS_DIR=str(faults))
    wait_until((faults / "build.unpacked.reached.pid").exists, timeout=30)

    with yard.shop.db.write() as tx:
        tx.exec_driver_sql("UPDATE builds SET options = '{'")
    assert ended.wait(timeout=30) == 1
    with yard.shop.db.write() as tx:
        tx.exec_driver_sql("UPDATE builds SET options = '{}'")
    wait_until(lambda: is_free(yard.layout.locks / f"build-{app.id}"))
    yard.give_back(app)

    assert yard.build(app).state is BuildState.SUCCEEDED
    assert len(yard.releases(app)) == 1


def slugs(yard: Yard, app: App) -> list[Path]:
    return list(yard.layout.slug(app.id, "x").parent.glob("[0-9a-f]*"))


@pytest.mark.parametrize("point", POINTS)
def test_a_builder_stopped_at_a_named_point_is_ended_and_leaves_one_release(
    yard: Yard, point: str, monkeypatch: pytest.MonkeyPatch
):
    """It lives and holds the app's lock, but is not heard of any more."""
    monkeypatch.setattr(builds, "LEASE_S", 0.4)
    app = yard.app({"Procfile": "web: x\n", "requirements.txt": ""})
    faults = yard.folder / "faults"
    faults.mkdir()
    (faults / point).touch()
    stopped = builder(yard, app.id, STRATUM_FAULTS_DIR=str(faults))
    wait_until((faults / f"{point}.reached.pid").exists, timeout=30)
    stopped.send_signal(signal.SIGSTOP)
    nudges = FakeNudges()
    recovery = Recovery(Parts.of(yard.shop.instance), nudges)

    def is_taken_back() -> bool:
        recovery.run()
        return yard.builds(app)[0].state is not BuildState.RUNNING

    wait_until(is_taken_back, timeout=30)
    if point == "build.released":
        stopped.kill()  # its build has ended: only the watchdog sees that it stands still
    assert stopped.wait(timeout=60) == -signal.SIGKILL
    wait_until(lambda: is_free(yard.layout.locks / f"build-{app.id}"))
    monkeypatch.undo()
    build = yard.build(app)

    assert build.state is BuildState.SUCCEEDED
    assert build.attempt == (1 if point == "build.released" else 2)
    assert len(yard.releases(app)) == 1
    assert yard.scratch(app) == []
    wait_until(lambda: processes_naming(str(yard.layout.data)) == [])  # some end beside the build's end


def test_a_builder_killed_while_installing_takes_the_installer_with_it(yard: Yard):
    app = yard.app("build_waits")
    gate = yard.meeting(app) / "go"
    yard.set_variables(app, WAIT_FOR=str(gate))

    killed = builder(yard, app.id)
    wait_until(gate.with_name("go.reached").exists, timeout=30)
    kill(killed)
    wait_until(lambda: processes_naming(str(yard.layout.data)) == [])
    yard.give_back(app)
    yard.push(app, {"requirements.txt": ""})
    gate.touch()
    newest = yard.build(app)

    assert [build.state for build in yard.builds(app)] == [BuildState.SUCCEEDED, BuildState.FAILED]
    assert newest.attempt == 1
    assert yard.scratch(app) == []


def test_a_build_is_begun_again_by_its_builder_when_the_door_has_died(yard: Yard):
    """It is left to nobody's next look: the door may be back within moments."""
    app = yard.app("build_waits")
    gate = yard.meeting(app) / "go"
    yard.set_variables(app, WAIT_FOR=str(gate))

    building = builder(yard, app.id)
    wait_until(gate.with_name("go.reached").exists, timeout=30)
    handler = children(building.pid)[-1]  # those of earlier steps have ended
    os.kill(handler, signal.SIGKILL)
    gate.touch()

    assert building.wait(timeout=60) == 0
    [build] = yard.builds(app)
    assert (build.state, build.attempt) == (BuildState.FAILED, 2)
    assert "enough" in yard.log(build)  # which is how that app's build ends
    assert yard.scratch(app) == []


@pytest.mark.parametrize("is_given_up", [False, True])
def test_a_builder_whose_own_code_stands_still_ends(yard: Yard, is_given_up: bool):
    app = yard.app("plain")
    limit = "lease.CALLED_OFF_S = 0.2" if is_given_up else "bench.OVERDUE_S = 0.2"
    code = (
        "import threading; from builder import bench, jobs, lease;"
        f"jobs.make_slug = lambda *_: threading.Event().wait(); {limit}; jobs.run_builds({app.id})"
    )
    env = {"PATH": os.environ["PATH"], "STRATUM_DATA": str(yard.layout.data), "STRATUM_BUILD_TIMEOUT_S": "1"}
    env |= {"STRATUM_BUILD_TIMEOUT_S": "1800"} if is_given_up else {}
    standing = subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT, env=env)
    wait_until(lambda: yard.builds(app)[0].state is BuildState.RUNNING, timeout=30)
    if is_given_up:
        with yard.shop.db.write() as tx:
            builds.cancel(tx, yard.builds(app)[0], "me asked for it.")

    assert standing.wait(timeout=60) == 1
    Recovery(Parts.of(yard.shop.instance), FakeNudges()).run()

    expected = BuildState.CANCELED if is_given_up else BuildState.QUEUED
    assert yard.builds(app)[0].state is expected


def test_what_was_made_of_a_build_that_somebody_else_has_now_is_not_put_in_place(yard: Yard, monkeypatch):
    """Nothing may be noted of it any more, and nobody would remove it."""
    app = yard.app({"Procfile": "web: x\n"})
    monkeypatch.setattr(lease, "LOOK_EVERY_S", 60.0)  # or the builder ends before that, most likely
    monkeypatch.setattr(Flushing, "end", lambda _flushing: yard.give_back(app))

    assert yard.build(app).state is BuildState.QUEUED

    assert list(yard.layout.slug(app.id, "x").parent.iterdir()) == []
    assert "failed" not in yard.log(yard.builds(app)[0])


def test_a_builder_that_has_lost_its_lease_ends(yard: Yard):
    """It was stopped for longer than the lease lasts; somebody else has the build now."""
    app = yard.app("slow_build")
    code = f"from builder import jobs, lease; lease.RENEW_EVERY_S = 0.2; jobs.run_builds({app.id})"
    env = {"PATH": os.environ["PATH"], "STRATUM_DATA": str(yard.layout.data)}
    stopped = subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT, env=env)
    wait_until(lambda: "installing 1 requirement" in _log(yard, app.id), timeout=30)

    yard.give_back(app)

    assert stopped.wait(timeout=60) == 1
    wait_until(lambda: processes_naming(str(yard.layout.data)) == [])
    assert yard.builds(app)[0].state is BuildState.QUEUED


def _log(yard: Yard, app_id: int) -> str:
    path = yard.layout.build_log(app_id, 1)
    return path.read_text() if path.exists() else ""
