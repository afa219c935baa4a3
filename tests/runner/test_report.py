"""What the applier says of a rollout in the log of its build."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from runner.apply import report
from stratum.buildlog import Log
from stratum.model import Crash
from stratum.store import crashes, environments, formation, rollouts, tables
from tests.there import there
from tests.webside import WebSide


@pytest.fixture
def side(tmp_path):
    side = WebSide.make(tmp_path / "data")
    yield side
    side.close()


def parts_of(side):
    """As much of `runner.apply.parts.Parts` as a report asks for."""
    return SimpleNamespace(instance=side.instance, database=side.db)


def test_the_release_is_told_once_however_often_its_rollout_is_begun(side):
    """An attempt may be cut before it says so, or after; between them the log may have grown."""
    app = side.app()
    side.release(app)
    with side.db.read() as tx:
        rollout = there(rollouts.find_rollout(tx, app.id, 1))
    path = side.instance.layout.build_log(app.id, 1)
    with Log(path) as log:
        log.output(b"-----> Released v1")

    for attempt in (2, 3):
        with report.opened(parts_of(side), app, replace(rollout, attempt=attempt)):
            pass

    assert path.read_text() == "       -----> Released v1\n-----> Released v1\n"


def test_scales_that_came_with_the_push_are_told_after_the_release(side):
    """Those that are wished already are no news."""
    app = side.app()
    side.release(app, "web", "worker")
    with side.db.write() as tx:
        options = {"scale": {"worker": 3, "web": 1}}
        tx.execute(update(tables.builds).where(tables.builds.c.app_id == app.id).values(options=options))
    with side.db.read() as tx:
        rollout = replace(there(rollouts.find_rollout(tx, app.id, 1)), formation_before={"worker": 1})

    for attempt in (1, 2):
        with report.opened(parts_of(side), app, replace(rollout, attempt=attempt)):
            pass

    path = side.instance.layout.build_log(app.id, 1)
    assert path.read_text() == "-----> Released v1\n-----> Scaled worker to 3\n"


def test_a_push_tells_once_what_keeps_crashing_of_the_release_before(side):
    """Not of the release itself: an earlier attempt has started that, and it is about to be judged."""
    app = side.app()
    side.release(app)
    at = datetime(2026, 11, 22, 10, 2, 11, tzinfo=UTC)
    with side.db.write() as tx:
        names = [f"MyProdEnv.app02.v{version}.worker.1" for version in (1, 3)]
        crashes.note(tx, [Crash(app.id, name, at, 5, 1, at) for name in names])
        formation.set_scales(tx, app.id, {"worker": 1})
    with side.db.read() as tx:
        rollout = there(rollouts.find_rollout(tx, app.id, 1))

    for attempt in (1, 2):
        with report.opened(parts_of(side), app, replace(rollout, attempt=attempt)):
            pass

    assert side.instance.layout.build_log(app.id, 1).read_text() == (
        "-----> Released v1\n"
        " !     worker.1 of v3 is crash-looping since 2026-11-22 10:02:11 UTC: 5 crashes, "
        "the last with exit 1; stratum ps shows its last lines\n"
    )


def test_a_push_is_not_told_of_crashes_of_what_was_scaled_away(side):
    """The reconciler may not have looked since."""
    app = side.app()
    side.release(app)
    at = datetime(2026, 11, 22, 10, 2, 11, tzinfo=UTC)
    with side.db.write() as tx:
        names = [f"MyProdEnv.app02.v3.worker.{index}" for index in (1, 2)]
        crashes.note(tx, [Crash(app.id, name, at, 5, 1, at) for name in names])
        formation.set_scales(tx, app.id, {"worker": 1})
    with side.db.read() as tx:
        rollout = there(rollouts.find_rollout(tx, app.id, 1))

    with report.opened(parts_of(side), app, rollout):
        pass

    told = side.instance.layout.build_log(app.id, 1).read_text()
    assert "worker.1 of v3" in told
    assert "worker.2 of v3" not in told


def test_a_push_tells_which_targets_stop_since_the_procfile_lacks_them(side):
    app = side.app()
    side.release(app, "web", "worker", "clock", "mailer")
    with side.db.write() as tx:
        formation.set_scales(tx, app.id, {"worker": 2, "mailer": 1})
        formation.set_paused(tx, app.id, ["mailer"], paused=True)
        before = there(environments.get_app(tx, app.id))
    side.release(app, "web")
    with side.db.read() as tx:
        rollout = there(rollouts.find_rollout(tx, app.id, 2))

    with report.opened(parts_of(side), before, rollout):
        pass

    assert side.instance.layout.build_log(app.id, 2).read_text() == (
        "-----> Released v2\n"
        "-----> Stopping worker (2): the Procfile has no worker any more, its scale is remembered\n"
    )


def test_a_push_tells_that_what_runs_was_gone_back_to(side):
    app = side.app()
    side.release(app)
    second = side.release(app)
    cause = "automatic rollback to v1: worker.1 of v2 crash-looped"
    with side.db.write() as tx:
        tx.execute(update(tables.releases).where(tables.releases.c.id == second.id).values(cause=cause))
        rollout = there(rollouts.find_rollout(tx, app.id, 2))
        now = there(environments.get_app(tx, app.id))

    with report.opened(parts_of(side), now, rollout):
        pass

    assert f" !     v2 is an {cause}\n" in side.instance.layout.build_log(app.id, 2).read_text()
