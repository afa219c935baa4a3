"""Storage as an app's processes meet it: the same over releases, rollbacks and failures."""

from pathlib import Path

import pytest

from stratum.model import App, Rollout, RolloutState
from stratum.store import releases, rollouts
from stratum.verbs import destroy, release, storage
from stratum.verbs.change import Change
from tests.stage import Stage
from tests.there import there
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

# Each process adds a line of its release to what it finds.
APPEND = 'echo "$STRATUM_RELEASE $STRATUM_TARGET" >> uploads/list; exec sleep 1000'


def data(stage: Stage, app: App) -> Path:
    return stage.layout.volume(app.id, "data")


def lines(stage: Stage, app: App) -> list[str]:
    kept = data(stage, app) / "list"
    return sorted(kept.read_text().splitlines()) if kept.exists() else []


def create(stage: Stage, app: App) -> None:
    with stage.parts.database.write() as tx:
        storage.create(tx, app, "data")


def mount(stage: Stage, app: App, path: str) -> Rollout | None:
    with stage.parts.database.write() as tx:
        change = storage.mount(tx, app, "data", path, who="test")
    return applied(stage, app, change)


def applied(stage: Stage, app: App, change: Change) -> Rollout | None:
    if change.rollout is None:
        return None
    with stage.parts.database.read() as tx:
        return stage.apply(app, there(rollouts.find_rollout(tx, app.id, change.rollout)))


def test_what_processes_keep_there_outlasts_releases_and_rollbacks(stage: Stage, app: App) -> None:
    create(stage, app)
    mount(stage, app, "uploads")
    stage.deploy(app, {"worker": APPEND, "clock": APPEND}, worker=1, clock=1)
    wait_until(lambda: len(lines(stage, app)) == 2)
    stage.deploy(app, {"worker": APPEND})
    wait_until(lambda: len(lines(stage, app)) == 3)
    with stage.parts.database.write() as tx:
        change = release.rollback(tx, stage.found(app), 1, who="test")

    done = there(applied(stage, app, change))

    assert done.state is RolloutState.SUCCEEDED
    wait_until(lambda: len(lines(stage, app)) == 5)
    assert lines(stage, app) == ["v1 clock", "v1 worker", "v2 worker", "v3 clock", "v3 worker"]
    slug = stage.layout.slug(app.id, "a" * 64)
    assert not (slug / "uploads").exists()


def test_a_mount_rolls_out_and_an_unmount_shows_what_the_release_has(stage: Stage, app: App) -> None:
    stage.slug(app, "d" * 64, uploads___list="built in\n")
    _, first = stage.release(app, {"worker": "exec sleep 1000"}, slug="d" * 64, scales={"worker": 1})
    stage.apply(app, first)
    create(stage, app)

    mounted = there(mount(stage, app, "/app/uploads"))
    folder = stage.layout.release(app.id, 2)
    assert (mounted.state, mounted.cause) == (RolloutState.SUCCEEDED, "storage: mounted data at uploads")
    assert (folder / "uploads").resolve() == data(stage, app).resolve()
    assert lines(stage, app) == []

    with stage.parts.database.write() as tx:
        change = storage.unmount(tx, app, "data", who="test")
    applied(stage, app, change)
    assert (stage.layout.release(app.id, 3) / "uploads/list").read_text() == "built in\n"
    assert data(stage, app).is_dir()


def test_a_mount_that_the_release_is_in_the_way_of_leaves_what_runs(stage: Stage, app: App) -> None:
    stage.deploy(app, {"worker": "exec sleep 1000"}, worker=1)
    pids = stage.pids()
    create(stage, app)

    done = there(mount(stage, app, "web.py/uploads"))

    assert done.state is RolloutState.FAILED
    assert "the release has a link or a file on the way there" in done.error
    assert stage.pids() == pids
    with stage.parts.database.read() as tx:
        assert releases.mounts_in_force(tx, app.id) == {}
    assert stage.deploy(app, {"worker": "exec sleep 1000"}).state is RolloutState.SUCCEEDED


def test_the_end_of_an_app_ends_its_storage(stage: Stage, app: App) -> None:
    create(stage, app)
    mount(stage, app, "uploads")
    stage.deploy(app, {"worker": APPEND}, worker=1)
    wait_until(lambda: bool(lines(stage, app)))
    with stage.parts.database.write() as tx:
        change = destroy.destroy(tx, app, app.name, who="test")
        rollout = there(rollouts.find_rollout(tx, app.id, there(change.rollout)))

    from runner import jobs

    jobs.apply_queued(stage.parts, rollout.app_id)

    assert not data(stage, app).parent.exists()
