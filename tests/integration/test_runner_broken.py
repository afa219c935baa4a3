"""Rollouts over a release of which nothing more can be started: neither its slug nor its folder are there."""

import shutil

import pytest

from stratum.model import App, RolloutState
from tests.stage import RUN_WEB, Stage

pytestmark = pytest.mark.integration

SLEEP = "exec sleep 1000"


def running(stage: Stage, app: App) -> dict[str, int | None]:
    return {name: pid for name, pid in stage.pids().items() if f".{app.name}." in name}


def broken(stage: Stage, name: str) -> App:
    """An app whose current release runs, and cannot be started again."""
    app = stage.app(name)
    stage.deploy(app, {"web": RUN_WEB, "worker": SLEEP}, web=1, worker=1)
    stage.slug(app, "b" * 64)
    slug = stage.layout.slug(app.id, "a" * 64)
    slug.chmod(0o700)
    shutil.rmtree(slug)
    shutil.rmtree(stage.layout.release(app.id, 1))
    return app


def test_a_release_that_does_not_come_back_stops_no_later_one(stage: Stage) -> None:
    app = broken(stage, "gone")
    for process in running(stage, app):
        stage.ctl("stop", process)
    failing = stage.release(app, {"worker": "echo bad; exit 4"}, slug="b" * 64)[1]
    stage.patient().apply(app, failing)
    good = stage.release(app, {"web": RUN_WEB, "worker": SLEEP}, slug="b" * 64)[1]

    done = stage.apply(app, good)

    assert stage.rollout(failing).error.startswith("worker.1 ")
    assert stage.rollout(failing).state is RolloutState.FAILED
    assert done.state is RolloutState.SUCCEEDED, done.error
    assert sorted(running(stage, app)) == ["MyProdEnv.gone.v3.web.1", "MyProdEnv.gone.v3.worker.1"]
    assert stage.get(app)[1].startswith("v3 ")


def test_what_still_runs_of_a_broken_release_goes_on_when_the_next_one_fails(stage: Stage) -> None:
    app = broken(stage, "half")
    before = running(stage, app)

    _, queued = stage.release(app, {"web": RUN_WEB, "worker": "exit 4"}, slug="b" * 64)
    done = stage.patient().apply(app, queued)

    assert done.state is RolloutState.FAILED
    assert done.error.startswith("worker.1 ")
    web = "MyProdEnv.half.v1.web.1"
    assert running(stage, app)[web] == before[web]
    assert not any(".v2." in name for name in running(stage, app))
    assert stage.get(app)[1] == f"v1 {before[web]}"
    assert stage.version(app) == 1
