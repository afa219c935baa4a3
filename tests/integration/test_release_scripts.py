"""Hook scripts before a release, on the real applier and supervisord."""

import shutil
import threading

import pytest

from stratum.model import ReleaseState, RolloutState
from stratum.store import releases
from tests.hookscripts import write_script
from tests.stage import marked, staged
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

SLEEP = {"worker": "exec sleep 1000"}


@pytest.fixture(scope="module")
def stage():
    with staged(drain_s=0.1, stop_grace_s=1) as ready:
        yield ready


@pytest.fixture
def hooks(stage):
    folder = stage.layout.hook_scripts
    yield folder
    for event in folder.iterdir():
        shutil.rmtree(event)


def state(stage, app, version):
    with stage.parts.database.read() as tx:
        found = releases.find_release(tx, app.id, version)
    assert found is not None
    return found.state


def test_one_that_fails_stops_the_release_and_what_ran_runs_on(stage, hooks, tmp_path):
    app = stage.app("frozen")
    told = write_script(
        hooks, "pre-release/10-tells", f'echo "$STRATUM_RELEASE $STRATUM_CAUSE" >> {tmp_path}/told'
    )
    assert stage.deploy(app, SLEEP, worker=1).state is RolloutState.SUCCEEDED
    before = stage.pids_of(app)
    write_script(hooks, "pre-release/20-freeze", "echo No deploys on Fridays.; exit 1")

    rollout = stage.deploy(app, SLEEP, worker=1)

    assert rollout.state is RolloutState.FAILED
    stopped = "v2 was stopped: the hook script pre-release/20-freeze of this server's operator ended with"
    assert rollout.error.startswith(f"{stopped} exit code 1 after")
    assert "No deploys on Fridays." in rollout.error
    assert state(stage, app, 2) is ReleaseState.FAILED
    assert (stage.version(app), stage.pids_of(app)) == (1, before)
    assert [line.split()[0] for line in (tmp_path / "told").read_text().splitlines()] == ["v1", "v2"]
    told.unlink()
    scaled = stage.apply(app, stage.scale(app, worker=2))
    assert scaled.state is RolloutState.SUCCEEDED  # a scale is no release


def test_a_release_that_is_called_off_meanwhile_ends_with_the_script(stage, hooks, tmp_path):
    app = stage.app("calledoff")
    write_script(hooks, "pre-release/10-slow", f"touch {tmp_path}/begun; exec sleep 1000")
    done = []
    deploying = threading.Thread(target=lambda: done.append(stage.deploy(app, SLEEP, worker=1)))
    deploying.start()
    wait_until((tmp_path / "begun").exists, 60)
    with stage.parts.database.write() as tx:
        tx.exec_driver_sql("UPDATE rollouts SET error = 'tester asked for it' WHERE app_id = ?", (app.id,))
    deploying.join()

    assert done[0].state is RolloutState.FAILED
    assert done[0].error.startswith("v1 was stopped: tester asked for it.")
    assert marked(stage, app.name) == []
