"""Processes that a new release leaves alone."""

import os
import signal
from collections.abc import Iterator

import pytest

from runner.reconciler import Reconciler
from runner.recover import Recovery
from stratum.crashing import LOOPS_FROM
from stratum.model import App, Outcome, ReleaseState, TargetSettings
from stratum.store import formation, releases, retention
from tests.fakes import FakeNudges
from tests.stage import SHARED, Stage, outcomes, staged
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

SLEEP = "exec sleep 1000"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(stop_grace_s=1) as ready:
        yield ready


@pytest.fixture
def app(stage: Stage) -> App:
    """One whose worker is not to be restarted, and whose clock is."""
    app = stage.new_app()
    with stage.parts.database.write() as tx:
        formation.tell(tx, app.id, "worker", TargetSettings(restart_on_deploy=False))
    stage.deploy(app, {"worker": SLEEP, "clock": SLEEP}, worker=2, clock=1)
    return app


def converge(stage: Stage) -> None:
    Reconciler(stage.parts, Recovery(stage.parts, FakeNudges())).converge()


def test_a_new_release_leaves_them_alone_with_the_folder_they_run_in(stage: Stage, app: App) -> None:
    before = stage.pids_of(app)

    done = stage.deploy(app, {"worker": SLEEP, "clock": SLEEP})
    converge(stage)

    assert outcomes(done) == {
        "v1.worker.1": Outcome.KEPT,
        "v1.worker.2": Outcome.KEPT,
        "v1.clock.1": Outcome.STOPPED,
        "v2.clock.1": Outcome.STARTED,
    }
    after = stage.pids_of(app)
    assert after.keys() == {"v1.worker.1", "v1.worker.2", "v2.clock.1"}
    assert [after[name] == before[name] for name in ("v1.worker.1", "v1.worker.2")] == [True, True]
    assert stage.layout.release(app.id, 1).exists()


def test_one_that_crash_loops_is_replaced_by_what_may_mend_it(stage: Stage) -> None:
    crashes = f"[ -e {SHARED}.bad ] && exit 3; {SLEEP}"
    app = stage.new_app()
    with stage.parts.database.write() as tx:
        formation.tell(tx, app.id, "worker", TargetSettings(restart_on_deploy=False))
    stage.deploy(app, {"worker": crashes}, worker=2)
    first, second = (f"MyProdEnv.{app.name}.v1.worker.{index}" for index in (1, 2))
    stage.shared(app).with_suffix(".bad").touch()
    os.kill(stage.statuses()[first].pid or 0, signal.SIGKILL)
    wait_until(lambda: stage.statuses()[first].crashes >= LOOPS_FROM, 60)
    well = stage.statuses()[second].pid

    done = stage.deploy(app, {"worker": SLEEP})
    converge(stage)

    assert outcomes(done) == {
        "v1.worker.1": Outcome.STOPPED,
        "v2.worker.1": Outcome.STARTED,
        "v1.worker.2": Outcome.KEPT,
    }
    after = stage.pids_of(app)
    assert after.keys() == {"v2.worker.1", "v1.worker.2"}
    assert after["v1.worker.2"] == well


def surplus(stage: Stage, app: App) -> tuple[str, ...]:
    """What would go if one release were kept."""
    with stage.parts.database.write() as tx:
        return retention.prune(tx, app.id, keep=1)


def slug(stage: Stage, app: App, letter: str) -> str:
    return stage.slug(app, letter * 64)


def test_the_slug_that_they_run_stays_as_long_as_they_do(stage: Stage, app: App) -> None:
    slugs = [slug(stage, app, letter) for letter in "bcd"]
    for digest in slugs:
        stage.apply(app, stage.release(app, {"worker": SLEEP, "clock": SLEEP}, slug=digest)[1])

    assert surplus(stage, app) == (slugs[0],)
    with stage.parts.database.read() as tx:
        found = {one.version: (one.state, one.staying) for one in list(releases.newest_first(tx, app.id))}
    assert found == {
        4: (ReleaseState.LIVE, False),
        3: (ReleaseState.RETIRED, False),
        2: (ReleaseState.PRUNED, False),
        1: (ReleaseState.RETIRED, True),
    }
    assert stage.pids_of(app).keys() == {"v1.worker.1", "v1.worker.2", "v4.clock.1"}
    stage.apply(app, stage.scale(app, worker=0))
    assert surplus(stage, app) == ("a" * 64, slugs[0])


def test_what_dies_for_good_is_of_the_new_release_and_its_slug_is_let_go(stage: Stage, app: App) -> None:
    stage.deploy(app, {"worker": SLEEP, "clock": SLEEP})
    names = [f"MyProdEnv.{app.name}.v1.worker.{index}" for index in (1, 2)]
    stage.sections.stop(names)
    wait_until(lambda: all(stage.statuses()[name].has_ended for name in names))

    converge(stage)

    assert stage.pids_of(app).keys() == {"v2.worker.1", "v2.worker.2", "v2.clock.1"}
    with stage.parts.database.read() as tx:
        assert releases.staying(tx, app.id) == set()


def test_what_is_scaled_is_of_the_new_release_and_what_goes_goes(stage: Stage, app: App) -> None:
    stage.deploy(app, {"worker": SLEEP, "clock": SLEEP})

    stage.apply(app, stage.scale(app, worker=3))
    assert stage.pids_of(app).keys() == {"v1.worker.1", "v1.worker.2", "v2.worker.3", "v2.clock.1"}
    stage.apply(app, stage.scale(app, worker=1))
    assert stage.pids_of(app).keys() == {"v1.worker.1", "v2.clock.1"}
    stage.apply(app, stage.scale(app, worker=0))
    stage.apply(app, stage.scale(app, worker=1))
    assert stage.pids_of(app).keys() == {"v2.worker.1", "v2.clock.1"}


def test_a_release_that_fails_leaves_them_alone(stage: Stage, app: App) -> None:
    before = stage.pids_of(app)

    stage.patient().deploy(app, {"worker": SLEEP, "clock": "exit 3"})

    after = stage.pids_of(app)
    assert after.keys() == before.keys()
    assert [after[name] == before[name] for name in ("v1.worker.1", "v1.worker.2")] == [True, True]


def test_after_a_boot_all_are_of_the_new_release(stage: Stage, app: App) -> None:
    stage.deploy(app, {"worker": SLEEP, "clock": SLEEP})
    stage.kill()
    stage.start(router=False)

    converge(stage)

    assert stage.pids_of(app).keys() == {"v2.worker.1", "v2.worker.2", "v2.clock.1"}
