"""Builds and rollouts are claimed one at a time per app, in order, under a fencing number."""

import pytest

from stratum.model import BuildState, Outcome, PushState, RefUpdate, ReportLine, RolloutState
from stratum.store import builds, environments, pushes, rollouts
from stratum.store.database import driver
from tests.there import there

ZERO, ONE = "0" * 40, "1" * 40


def queue_build(tx, app_id):
    return builds.add_build(tx, app_id, ONE, source="push", who="admin")


def test_builds_of_an_app_run_one_at_a_time_in_order(db, app):
    with db.write() as tx:
        first, second = queue_build(tx, app.id), queue_build(tx, app.id)
        claimed = there(builds.claim_next(tx, app.id, "a"))
        blocked = builds.claim_next(tx, app.id, "b")
        assert builds.finish(tx, claimed, BuildState.SUCCEEDED)
        then = there(builds.claim_next(tx, app.id, "b"))

    assert claimed.id == first.id
    assert blocked is None
    assert then.id == second.id


def test_builds_of_two_apps_run_beside_each_other(db, app):
    with db.write() as tx:
        other = environments.add_app(tx, app.environment, "app03")
        queue_build(tx, app.id)
        queue_build(tx, other.id)

        assert builds.claim_next(tx, app.id, "a")
        assert builds.claim_next(tx, other.id, "b")


def test_a_builder_that_lost_its_lease_records_nothing(db, app):
    with db.write() as tx:
        queue_build(tx, app.id)
        lost = there(builds.claim_next(tx, app.id, "a"))
        assert builds.give_back(tx, lost)
        taken = there(builds.claim_next(tx, app.id, "b"))

        assert not builds.renew(tx, lost)
        assert not builds.finish(tx, lost, BuildState.FAILED)
        assert builds.renew(tx, taken)
        assert builds.get_build(tx, taken.id).state is BuildState.RUNNING
    assert taken.attempt == 2


def test_a_push_has_one_build_however_often_it_is_accepted(db, app):
    with db.write() as tx:
        update = RefUpdate("refs/heads/master", ZERO, ONE)
        [push_id] = pushes.journal(
            tx, app.id, [(update, True)], "admin", web_process="1:1", receive_process="2:2"
        )
        first, again = pushes.accept(tx, [push_id]), pushes.accept(tx, [push_id])

    assert first == again
    with db.read() as tx:
        assert pushes.pending(tx) == []
        assert len(builds.list_builds(tx, app.id)) == 1


def test_a_push_that_does_not_deploy_has_no_build(db, app):
    with db.write() as tx:
        update = RefUpdate("refs/heads/topic", ZERO, ONE)
        [push_id] = pushes.journal(
            tx, app.id, [(update, False)], "admin", web_process="1:1", receive_process="2:2"
        )

        assert pushes.accept(tx, [push_id]) == []
        assert builds.list_builds(tx, app.id) == []


def test_a_push_of_many_refs_holds_the_database_for_few_statements(db, app):
    updates = [(RefUpdate(f"refs/heads/b{number:03}", ZERO, ONE), number == 700) for number in range(1000)]
    with db.write() as tx:
        executed: list[str] = []
        ids = pushes.journal(tx, app.id, updates, "admin", web_process="1:1", receive_process="2:2")
        driver(tx).set_trace_callback(executed.append)
        [build] = pushes.accept(tx, ids[500:])
        pushes.reject(tx, ids[:500])
        driver(tx).set_trace_callback(None)

        assert len(executed) < 30
        assert [there(pushes.get_push(tx, push_id)).update for push_id in ids] == [one for one, _ in updates]
        assert build.push_id == ids[700]
        states = [there(pushes.get_push(tx, push_id)).state for push_id in ids]
        assert states == [PushState.REJECTED] * 500 + [PushState.ACCEPTED] * 500


@pytest.mark.parametrize("busy", [RolloutState.RUNNING, RolloutState.LIVE])
def test_a_rollout_under_way_keeps_the_next_waiting(db, app, busy):
    with db.write() as tx:
        for cause in ("push", "scale"):
            rollouts.add_rollout(tx, app.id, cause=cause, who="admin")
        first = there(rollouts.claim_next(tx, app.id, "a"))
        assert rollouts.record(tx, first, busy, [])

        assert rollouts.claim_next(tx, app.id, "b") is None
        assert rollouts.record(tx, first, RolloutState.SUCCEEDED, [])
        assert there(rollouts.claim_next(tx, app.id, "b")).cause == "scale"


def test_a_report_comes_back_as_it_was_recorded(db, app):
    line = ReportLine(
        "E.a.v1.web.1", "web", 1, Outcome.FAILED, pid=3, note="exit status 1", output=("a", "b")
    )
    with db.write() as tx:
        rollouts.add_rollout(tx, app.id, cause="push", who="admin")
        held = there(rollouts.claim_next(tx, app.id, "a"))
        rollouts.record(tx, held, RolloutState.FAILED, [line], error="no")

        assert rollouts.get_rollout(tx, held.id).report == (line,)
