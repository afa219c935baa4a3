"""A release that crash-loops, on a real supervisord: written down, told, and gone back from."""

import pytest

from runner import jobs
from runner.reconciler import Reconciler
from runner.recover import Recovery
from stratum.store import crashes, environments
from tests.fakes import FakeNudges
from tests.stage import SHARED, Stage
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

# Its first life lasts until it has surely been seen to have come up.
CRASHING = "mkdir began && sleep 4; sleep 0.6; exit 3"


def test_a_new_release_that_crash_loops_is_gone_back_from(stage: Stage) -> None:
    app = stage.app("looping")
    with stage.parts.database.write() as tx:
        environments.set_settings(tx, app.id, {"roll_back_within_s": 600})
    stage.deploy(app, {"worker": "exec sleep 1000"}, worker=1)
    stage.slug(app, "b" * 64, note="other")
    _, queued = stage.release(app, {"worker": CRASHING}, slug="b" * 64)
    stage.apply(app, queued)
    loop = Reconciler(stage.parts, Recovery(stage.parts, FakeNudges()))

    def is_looping() -> bool:
        loop.converge()
        with stage.parts.database.read() as tx:
            return bool(crashes.crashes(tx, app.id))

    wait_until(is_looping, 60)
    with stage.parts.database.read() as tx:
        (found,) = crashes.crashes(tx, app.id)
    assert (found.process, found.exit_status) == ("MyProdEnv.looping.v2.worker.1", 3)
    jobs.apply_queued(stage.parts, app.id)
    loop.converge()

    assert stage.version(app) == 3
    with stage.parts.database.read() as tx:
        assert crashes.crashes(tx, app.id) == []
    assert stage.statuses()["MyProdEnv.looping.v3.worker.1"].pid


def test_visitors_are_told_at_once_of_a_crash_and_let_in_as_soon_as_it_lives(stage: Stage) -> None:
    app = stage.app("fragile")
    die = f"{SHARED}.die"
    run = f"python3 -S web.py & until [ -e {die} ]; do sleep 0.05; done; kill $!; exit 3"
    stage.deploy(app, {"web": run}, web=1)
    loop = Reconciler(stage.parts, Recovery(stage.parts, FakeNudges()))
    assert stage.get(app)[0] == 200
    file = stage.layout.data / "shared" / f"{app.name}.die"
    file.touch()

    def has_crashed() -> bool:
        loop.converge()
        with stage.parts.database.read() as tx:
            return bool(crashes.crashed_apps(tx))

    wait_until(has_crashed, 60)
    stage.parts.router.ensure()
    assert stage.get(app) == (503, "This app has crashed.\n")
    file.unlink()
    wait_until(lambda: stage.get(app)[0] == 200, 60)  # it counts as crash-looping for a minute yet
    assert has_crashed()
