"""Pauses on a real supervisord: nothing but a resume ends one, and what comes back is what there was."""

from collections.abc import Iterator
from itertools import count

import pytest

from runner import jobs
from runner.reconciler import Reconciler
from runner.recover import Recovery
from stratum.model import App, Outcome, Rollout, RolloutState
from stratum.scaling import Limits
from stratum.store import formation, rollouts
from stratum.verbs.change import Change
from stratum.verbs.pause import pause, resume
from tests.fakes import FakeNudges
from tests.stage import RUN_WEB, SHARED, Stage, staged

pytestmark = pytest.mark.integration

SLEEP = "exec sleep 1000"
TELL = f"echo {{{{UNIQUE_INT}}}} > {SHARED}.$STRATUM_TARGET.$STRATUM_INDEX; exec sleep 1000"
NUMBERS = count(1)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(router=True, web_start_timeout_s=3.0) as ready:
        yield ready


@pytest.fixture
def app(stage: Stage) -> App:
    return stage.app(f"app{next(NUMBERS)}")


def paused(stage: Stage, app: App, *targets: str) -> Rollout:
    with stage.parts.database.write() as tx:
        change = pause(tx, stage.found(app), targets, who="test")
    return applied(stage, app, change)


def resumed(stage: Stage, app: App, *targets: str) -> Rollout:
    with stage.parts.database.write() as tx:
        change = resume(tx, stage.found(app), targets, who="test", limits=Limits(100, 100))
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
    begin = f"MyProdEnv.{app.name}."
    return sorted(
        name.removeprefix(begin) for name, pid in stage.pids().items() if name.startswith(begin) and pid
    )


def told(stage: Stage, app: App) -> dict[str, int]:
    """Each process's integer, as it was last told, which is forgotten with this."""
    paths = sorted(stage.shared(app).parent.glob(f"{app.name}.*"))
    found = {path.name.removeprefix(f"{app.name}."): int(path.read_text()) for path in paths}
    for path in paths:
        path.unlink()
    return found


def test_nothing_ends_a_pause_but_a_resume_which_brings_back_just_what_there_was(
    stage: Stage, app: App
) -> None:
    lines = {"web": RUN_WEB, "a": TELL, "b": TELL}
    stage.deploy(app, lines, web=1, a=2, b=1)
    before = told(stage, app)

    done = paused(stage, app, "a", "web")

    assert (done.state, labels(stage, app)) == (RolloutState.SUCCEEDED, ["v1.b.1"])
    assert stage.get(app)[0] == 503
    assert stage.deploy(app, {**lines, "c": SLEEP}).state is RolloutState.SUCCEEDED
    assert labels(stage, app) == ["v2.b.1"]
    assert stage.apply(app, stage.scale(app, b=3)).state is RolloutState.SUCCEEDED
    stage.kill()
    stage.start(router=True)
    reconciler = Reconciler(stage.parts, Recovery(stage.parts, FakeNudges()))
    reconciler.once()
    assert labels(stage, app) == ["v2.b.1", "v2.b.2", "v2.b.3"]
    others = told(stage, app)

    done = resumed(stage, app)

    assert done.state is RolloutState.SUCCEEDED
    assert labels(stage, app) == ["v2.a.1", "v2.a.2", "v2.b.1", "v2.b.2", "v2.b.3", "v2.web.1"]
    assert stage.get(app)[0] == 200
    back = told(stage, app)
    assert {name: back[name] for name in ("a.1", "a.2")} == {name: before[name] for name in ("a.1", "a.2")}
    assert not set(back.values()) & set(others.values())
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

    done = resumed(stage, app)

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
    before = told(stage, app)
    stage.deploy(app, {"b": TELL})
    assert labels(stage, app) == ["v2.b.1"]
    stage.apply(app, stage.scale(app, b=2))
    told(stage, app)

    stage.deploy(app, {"a": TELL, "b": TELL})

    assert labels(stage, app) == ["v3.a.1", "v3.a.2", "v3.b.1", "v3.b.2"]
    assert before.items() <= told(stage, app).items()
    paused(stage, app)
    stage.deploy(app, {"b": TELL})
    stage.deploy(app, {"a": TELL, "b": TELL})
    assert labels(stage, app) == []
    resumed(stage, app, "a")
    assert labels(stage, app) == ["v5.a.1", "v5.a.2"]
    assert told(stage, app) == {name: before[name] for name in ("a.1", "a.2")}
