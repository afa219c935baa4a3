"""What the applier says of a rollout in the log of its build."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from runner.apply import report
from stratum.buildlog import Log
from stratum.store import rollouts, tables
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
