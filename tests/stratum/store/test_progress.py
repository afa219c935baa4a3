"""What followers are told comes from few questions, asked only when somebody has committed."""

import threading

import pytest

from stratum.errors import Unavailable
from stratum.model import BuildState, RolloutState
from stratum.store import builds, environments, progress, rollouts
from stratum.store.progress import BuildProgress, RolloutProgress
from tests.there import there


def queue_build(tx, app_id):
    return builds.add_build(tx, app_id, "1" * 40, source="redeploy", who="admin")


def test_queued_builds_know_their_place(db, app):
    with db.write() as tx:
        other = environments.add_app(tx, app.environment, "app03")
        first, second, third = (queue_build(tx, app.id) for _ in range(3))
        elsewhere = queue_build(tx, other.id)
        builds.claim_next(tx, app.id, "a")
        found = progress.of_builds(tx, [first.id, second.id, third.id, elsewhere.id, 999])

    assert found == {
        first.id: BuildProgress(BuildState.RUNNING),
        second.id: BuildProgress(BuildState.QUEUED, ahead=1, running=1),
        third.id: BuildProgress(BuildState.QUEUED, ahead=2, running=1),
        elsewhere.id: BuildProgress(BuildState.QUEUED, running=1),
    }


def test_a_build_is_settled_when_its_rollout_is(db, app):
    with db.write() as tx:
        build = queue_build(tx, app.id)
        builds.finish(tx, there(builds.claim_next(tx, app.id, "a")), BuildState.SUCCEEDED)
        alone = progress.of_builds(tx, [build.id])[build.id]
        rollouts.add_rollout(tx, app.id, cause="push", who="admin", build_id=build.id)
        waiting = progress.of_builds(tx, [build.id])[build.id]
        rollouts.record(tx, there(rollouts.claim_next(tx, app.id, "a")), RolloutState.LIVE, ())
        live = progress.of_builds(tx, [build.id])[build.id]

    assert [alone.is_settled, waiting.is_settled, live.is_settled] == [True, False, True]


def test_a_rollout_is_ended_when_what_it_replaced_has_stopped(db, app):
    with db.write() as tx:
        rollout = rollouts.add_rollout(tx, app.id, cause="scale", who="admin")
        claimed = there(rollouts.claim_next(tx, app.id, "a"))
        rollouts.record(tx, claimed, RolloutState.LIVE, ())
        live = progress.of_rollouts(tx, [rollout.id, 999])
        rollouts.record(tx, claimed, RolloutState.SUCCEEDED, ())
        ended = progress.of_rollouts(tx, [rollout.id])

    assert live == {rollout.id: RolloutProgress(RolloutState.LIVE, is_ended=False)}
    assert ended == {rollout.id: RolloutProgress(RolloutState.SUCCEEDED, is_ended=True)}


def test_changes_are_seen_once(db, app):
    changes = db.changes()
    assert changes.happened()
    assert not changes.happened()

    with db.read() as tx:
        builds.list_builds(tx, app.id)
    assert not changes.happened()

    with db.write() as tx:
        queue_build(tx, app.id)
    assert changes.happened()
    assert not changes.happened()
    changes.close()


def test_writers_that_wait_hold_no_connection_that_readers_need(db, app):
    """More of them than the pool has connections, behind one that does not end."""
    waiting = [threading.Thread(target=_write, args=(db, app.id)) for _ in range(30)]
    with db.write() as tx:
        for thread in waiting:
            thread.start()
        with db.read() as other:
            assert builds.list_builds(other, app.id) == []
        queue_build(tx, app.id)
    for thread in waiting:
        thread.join()

    with db.read() as tx:
        assert len(builds.list_builds(tx, app.id)) == 31


def test_a_writer_does_not_wait_for_ever(db):
    with db.write(), pytest.raises(Unavailable, match="another writer"), db.write(patience_s=0.01):
        pass


def _write(db, app_id):
    with db.write() as tx:
        queue_build(tx, app_id)
