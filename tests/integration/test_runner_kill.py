"""Kill -9 of the applier at each point of a rollout; then the rollout runs again and converges."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runner import jobs
from runner.recover import Recovery
from stratum.faults import POINTS
from stratum.model import App, Outcome, RolloutState
from stratum.store import formation
from stratum.verbs.rename import rename
from tests.fakes import FakeNudges
from tests.stage import RUN_WEB, SHARED, Stage, marked, staged
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

# A second worker at work in the same place at the same time says so and ends.
WORKER = (
    f'mkdir "{SHARED}" || {{ touch "{SHARED}.doubled"; exit 9; }}; '
    f"trap 'rmdir \"{SHARED}\"; exit' TERM; sleep 1000 & wait"
)
BOTH = {"web": RUN_WEB, "worker": WORKER}
END = {"web": "ended by SIGTERM", "worker": "exit status 0"}
ROLLOUT_POINTS = [point for point in POINTS if point.startswith("rollout.")]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(router=True, drain_s=1.0) as ready:
        yield ready


def kill_at(stage: Stage, app: App, point: str, faults: Path) -> None:
    (faults / point).touch()
    applier = stage.applier(app, faults)
    wait_until((faults / f"{point}.reached.pid").exists, 60)
    applier.kill()
    applier.wait()


def recover(stage: Stage) -> None:
    """Take back what the dead have left, as the reconciler does, and do what it nudges for."""
    nudges = FakeNudges()
    Recovery(stage.parts, nudges).run()
    assert nudges.rollouts
    for app_id in nudges.rollouts:
        jobs.apply_queued(stage.parts, app_id)


@pytest.mark.parametrize("point", ROLLOUT_POINTS)
def test_a_rollout_killed_anywhere_is_finished_by_the_next_applier(
    stage: Stage, point: str, tmp_path: Path
) -> None:
    app = stage.app(point.replace(".", "-"))
    stage.deploy(app, BOTH, web=1, worker=1)
    release, rollout = stage.release(app, BOTH)

    kill_at(stage, app, point, tmp_path)
    assert stage.get(app)[0] == 200
    at_kill = stage.pids()
    recover(stage)

    done = stage.rollout(rollout)
    assert (done.state, done.error, done.attempt) == (RolloutState.SUCCEEDED, "", 2)
    assert stage.version(app) == release.version
    names = {f"MyProdEnv.{app.name}.v2.{one}" for one in ("web.1", "worker.1")}
    mine = {name: pid for name, pid in stage.pids().items() if f".{app.name}." in name}
    assert mine.keys() == names
    assert {name: pid for name, pid in at_kill.items() if name in names}.items() <= mine.items()
    assert not stage.shared(app).with_suffix(".doubled").exists()
    assert len(marked(stage, f"MyProdEnv.{app.name}.v1")) == 0
    started = {line.name for line in done.report if line.outcome is Outcome.STARTED}
    assert started == names
    stopped = {line.name: line.note for line in done.report if line.outcome is Outcome.STOPPED}
    assert stopped == {name.replace(".v2.", ".v1."): END[name.rsplit(".", 2)[1]] for name in names}
    assert stage.get(app) == (200, f"v2 {mine[f'MyProdEnv.{app.name}.v2.web.1']}")
    with stage.parts.database.read() as tx:
        assert len(formation.ports_of(tx, app.id)) == 1
    described = {path.name for path in stage.layout.descriptions.iterdir() if f".{app.name}." in path.name}
    assert described == names


def test_a_failing_rollout_killed_while_new_ones_run_fails_just_the_same(
    stage: Stage, tmp_path: Path
) -> None:
    app = stage.app("fails-anyway")
    stage.deploy(app, BOTH, web=1, worker=1)
    web = stage.pids()[f"MyProdEnv.{app.name}.v1.web.1"]
    _, rollout = stage.release(app, {"web": RUN_WEB, "worker": "exit 1"})

    kill_at(stage.patient(), app, "rollout.probed", tmp_path)
    recover(stage.patient())

    assert stage.rollout(rollout).state is RolloutState.FAILED
    assert stage.version(app) == 1
    assert stage.get(app) == (200, f"v1 {web}")
    assert not stage.shared(app).with_suffix(".doubled").exists()


def test_a_failing_scale_killed_before_its_probe_fails_just_the_same(stage: Stage, tmp_path: Path) -> None:
    app = stage.app("scale-fails-anyway")
    stage.deploy(app, {"web": f"[ $STRATUM_INDEX = 1 ] || exit 1; {RUN_WEB}"}, web=1)
    rollout = stage.scale(app, web=2)

    kill_at(stage, app, "rollout.started", tmp_path)
    recover(stage)

    done = stage.rollout(rollout)
    assert (done.state, done.error[:39]) == (RolloutState.FAILED, "web.2 did not come up: exit status 1 af")
    names = [name for name in stage.pids() if f".{app.name}." in name]
    assert names == [f"MyProdEnv.{app.name}.v1.web.1"]


@pytest.mark.parametrize("point", ROLLOUT_POINTS)
def test_a_rename_killed_anywhere_is_finished_by_the_next_applier(
    stage: Stage, point: str, tmp_path: Path
) -> None:
    old = stage.app("old-" + point.replace(".", "-"))
    stage.deploy(old, BOTH, web=1, worker=1)
    with stage.parts.database.write() as tx:
        rename(tx, old, old.name.replace("old", "new"), who="me")
    app = stage.found(old)

    kill_at(stage, app, point, tmp_path)
    assert 200 in (stage.get(old)[0], stage.get(app)[0])
    recover(stage)

    mine = {name: pid for name, pid in stage.pids().items() if point.replace(".", "-") in name}
    names = {f"MyProdEnv.{app.name}.v2.{one}" for one in ("web.1", "worker.1")}
    assert (
        mine.keys() & {*names, *(name.replace("new", "old").replace("v2", "v1") for name in names)} == names
    )
    assert not stage.shared(app).with_suffix(".doubled").exists()
    assert stage.get(app) == (200, f"v2 {mine[f'MyProdEnv.{app.name}.v2.web.1']}")
    assert stage.get(old)[0] == 404
    assert len(marked(stage, f"MyProdEnv.{old.name}.v1")) == 0
    described = {
        path.name for path in stage.layout.descriptions.iterdir() if point.replace(".", "-") in path.name
    }
    assert old.name not in {name.split(".")[1] for name in described}
