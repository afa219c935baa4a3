"""Pauses on a real supervisord: nothing but a resume ends one, and what comes back is what there was."""

import pytest

from runner import jobs
from runner.reconciler import Reconciler
from runner.recover import Recovery
from stratum import secrets
from stratum.model import App, Outcome, Rollout, RolloutState
from stratum.scaling import Limits
from stratum.store import formation, rollouts
from stratum.verbs import configure
from stratum.verbs.change import Change
from stratum.verbs.pause import pause, resume
from stratum.verbs.release import rollback
from tests.fakes import FakeNudges
from tests.stage import RUN_WEB, SHARED, Stage
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

SLEEP = "exec sleep 1000"
MINE = "$STRATUM_TARGET.$STRATUM_INDEX"
TELL = f'echo {{{{UNIQUE_INT}}}} > "{SHARED}-{MINE}"; mv "{SHARED}-{MINE}" "{SHARED}.{MINE}"; exec sleep 1000'


def paused(stage: Stage, app: App, *targets: str) -> Rollout:
    with stage.parts.database.write() as tx:
        change = pause(tx, stage.found(app), targets, who="test")
    return applied(stage, app, change)


def resumed(stage: Stage, app: App, *targets: str) -> Rollout:
    with stage.parts.database.write() as tx:
        change = resume(tx, stage.found(app), targets, who="test", limits=Limits(100, 100))
    return applied(stage, app, change)


def configured(stage: Stage, app: App) -> Rollout:
    sealed = secrets.seal(stage.layout.config_key, {"MODE": "fast"})
    with stage.parts.database.write() as tx:
        change = configure.record(tx, stage.found(app), sealed, "config: set MODE", who="test")
    return applied(stage, app, change)


def rolled_back(stage: Stage, app: App) -> Rollout:
    with stage.parts.database.write() as tx:
        change = rollback(tx, stage.found(app), 1, who="test")
    return applied(stage, app, change)


def applied(stage: Stage, app: App, change: Change) -> Rollout:
    assert change.rollout is not None
    jobs.apply_queued(stage.parts, app.id)
    with stage.parts.database.read() as tx:
        found = rollouts.find_rollout(tx, app.id, change.rollout)
    assert found is not None
    return found


def labels(stage: Stage, app: App) -> list[str]:
    """What runs of an app: `v1.web.1`."""
    return sorted(name for name, pid in stage.pids_of(app).items() if pid)


def told(stage: Stage, app: App, *names: str) -> dict[str, int]:
    """The integers of processes (`a.1`), once each has told its own, which is forgotten with this."""
    paths = {name: stage.shared(app).with_name(f"{app.name}.{name}") for name in names}
    wait_until(lambda: all(path.exists() for path in paths.values()))
    found = {name: int(path.read_text()) for name, path in paths.items()}
    for path in paths.values():
        path.unlink()
    return found


def test_nothing_ends_a_pause_but_a_resume_which_brings_back_just_what_there_was(
    stage: Stage, app: App
) -> None:
    lines = {"web": RUN_WEB, "a": TELL, "b": TELL}
    stage.deploy(app, lines, web=1, a=2, b=1)
    before = told(stage, app, "a.1", "a.2")

    done = paused(stage, app, "a", "web")

    assert (done.state, labels(stage, app)) == (RolloutState.SUCCEEDED, ["v1.b.1"])
    assert stage.get(app)[0] == 503
    assert stage.deploy(app, {**lines, "c": SLEEP}).state is RolloutState.SUCCEEDED
    assert labels(stage, app) == ["v2.b.1"]
    for version, verb in enumerate((configured, rolled_back), start=3):
        verb(stage, app)
        assert labels(stage, app) == [f"v{version}.b.1"]
    assert stage.apply(app, stage.scale(app, b=3)).state is RolloutState.SUCCEEDED
    others = told(stage, app, "b.1", "b.2", "b.3")
    stage.kill()
    stage.start(router=True)
    reconciler = Reconciler(stage.parts, Recovery(stage.parts, FakeNudges()))
    reconciler.once()
    assert labels(stage, app) == ["v4.b.1", "v4.b.2", "v4.b.3"]

    done = resumed(stage, app)

    assert done.state is RolloutState.SUCCEEDED
    assert labels(stage, app) == ["v4.a.1", "v4.a.2", "v4.b.1", "v4.b.2", "v4.b.3", "v4.web.1"]
    assert stage.get(app)[0] == 200
    assert told(stage, app, "a.1", "a.2") == before
    assert not set(before.values()) & set(others.values())
    assert {line.name.split(".", 3)[3] for line in done.report if line.outcome is Outcome.KEPT} == {
        "b.1",
        "b.2",
        "b.3",
    }


def test_a_resume_that_does_not_come_up_leaves_what_runs_and_the_pause(stage: Stage, app: App) -> None:
    stage.deploy(
        app, {"worker": f'[ -e "{SHARED}" ] && exit 3; exec sleep 1000', "clock": SLEEP}, worker=2, clock=1
    )
    paused(stage, app, "worker")
    stage.shared(app).touch()
    before = stage.pids()

    done = resumed(stage.patient(), app)

    assert done.state is RolloutState.FAILED
    assert stage.pids() == before
    with stage.parts.database.read() as tx:
        wished = formation.get_formation(tx, app.id)
    assert wished.paused == {"worker"}
    assert wished.remembered("worker") == 2
    stage.shared(app).unlink()
    assert resumed(stage, app).state is RolloutState.SUCCEEDED
    assert labels(stage, app) == ["v1.clock.1", "v1.worker.1", "v1.worker.2"]


def test_a_target_that_leaves_the_procfile_comes_back_as_it_was_and_as_paused(stage: Stage, app: App) -> None:
    stage.deploy(app, {"a": TELL, "b": TELL}, a=2, b=1)
    before = told(stage, app, "a.1", "a.2", "b.1")
    stage.deploy(app, {"b": TELL})
    assert labels(stage, app) == ["v2.b.1"]
    stage.apply(app, stage.scale(app, b=2))
    told(stage, app, "b.1", "b.2")

    stage.deploy(app, {"a": TELL, "b": TELL})

    assert labels(stage, app) == ["v3.a.1", "v3.a.2", "v3.b.1", "v3.b.2"]
    assert told(stage, app, *before) == before
    paused(stage, app)
    stage.deploy(app, {"b": TELL})
    stage.deploy(app, {"a": TELL, "b": TELL})
    assert labels(stage, app) == []
    resumed(stage, app, "a")
    assert labels(stage, app) == ["v5.a.1", "v5.a.2"]
    assert told(stage, app, "a.1", "a.2") == {name: before[name] for name in ("a.1", "a.2")}
