"""The newest accepted push wins: builds that nobody has begun give way to its build."""

import pytest

from stratum.model import BuildOptions, BuildState, Phase, RefUpdate, RolloutState, Target
from stratum.store import builds, environments, pushes, releases, rollouts
from stratum.verbs import build, release
from tests.there import there

ZERO = "0" * 40
PHASED = (Target("release", "sleep 9"), Target("web", "x"))


def accepted(db, app, commit, **options):
    """Push as the web process does; return the build."""
    with db.write() as tx:
        moves = [(RefUpdate("refs/heads/master", ZERO, commit * 40), True)]
        wished = BuildOptions(**options)
        processes = {"web_process": "1:1", "receive_process": "2:2"}
        ids = pushes.journal(tx, app.id, moves, "admin", **processes, options=wished)
        [build] = pushes.accept(tx, ids)
    return build


def states(db, app):
    with db.read() as tx:
        return {build.number: build.state for build in builds.list_builds(tx, app.id)}


def test_a_push_supersedes_what_is_queued_and_not_what_runs(db, app):
    accepted(db, app, "1")
    with db.write() as tx:
        builds.claim_next(tx, app.id, "a")
    dropped, newest = accepted(db, app, "2"), accepted(db, app, "3")

    assert states(db, app) == {1: BuildState.RUNNING, 2: BuildState.SUPERSEDED, 3: BuildState.QUEUED}
    with db.read() as tx:
        found = builds.get_build(tx, dropped.id)
    assert found.superseded_by == newest.number
    assert found.error == "Superseded by #3, a newer push."
    assert found.finished_at is not None


def test_a_push_supersedes_a_redeploy_too(db, app):
    with db.write() as tx:
        builds.add_build(tx, app.id, "1" * 40, source="redeploy", who="admin")
    accepted(db, app, "2")

    assert states(db, app) == {1: BuildState.SUPERSEDED, 2: BuildState.QUEUED}


def test_a_push_accepted_again_supersedes_nothing(db, app):
    """The reconciler may accept what the request has accepted, after others came."""
    first = accepted(db, app, "1")
    with db.write() as tx:
        builds.claim_next(tx, app.id, "a")
    accepted(db, app, "2")
    with db.write() as tx:
        [again] = pushes.accept(tx, [there(first.push_id)])

    assert again.number == 1
    assert states(db, app) == {1: BuildState.RUNNING, 2: BuildState.QUEUED}


def test_the_scales_of_superseded_pushes_are_wished_still(db, app):
    accepted(db, app, "1", scale={"web": 2, "worker": 2})
    accepted(db, app, "2", scale={"worker": 3}, reason="second")
    newest = accepted(db, app, "3", scale={"clock": 1}, color=True)

    assert newest.options == BuildOptions(scale={"web": 2, "worker": 3, "clock": 1}, color=True)


@pytest.fixture
def gated(db, app):
    with db.write() as tx:
        return builds.add_build(tx, app.id, "9" * 40, source="push", who="admin", gate="1:1")


def test_a_gated_build_whose_push_is_not_accepted_yet_is_left_alone(db, app, gated):
    accepted(db, app, "2")

    assert states(db, app) == {1: BuildState.QUEUED, 2: BuildState.QUEUED}


def test_the_accepted_push_of_a_gated_build_supersedes_a_later_redeploy(db, app, gated):
    """That one's commit is older, though its number is higher."""
    with db.write() as tx:
        builds.hold(tx, gated.id)
        builds.add_build(tx, app.id, "1" * 40, source="redeploy", who="admin")
        moves = [(RefUpdate("refs/heads/master", ZERO, "9" * 40), True)]
        [push_id] = pushes.journal(tx, app.id, moves, "admin", web_process="1:1", receive_process="2:2")
        builds.belong(tx, gated.id, push_id)
        pushes.accept(tx, [push_id])

    assert states(db, app) == {1: BuildState.QUEUED, 2: BuildState.SUPERSEDED}


def test_changes_of_scale_that_are_superseded_add_up(db, app):
    accepted(db, app, "1", scale={"web": 2, "worker": "+1"})
    accepted(db, app, "2", scale={"web": "+1", "worker": "+1"})
    newest = accepted(db, app, "3")

    assert newest.options.scale == {"web": 3, "worker": "+2"}


def test_a_superseded_build_that_is_built_again_changes_no_scale_once_more(db, app):
    accepted(db, app, "1", scale={"web": 2, "worker": "+1"})
    accepted(db, app, "2")
    with db.write() as tx:
        again = build.retry(tx, app, 1, who="admin")

    assert again.options.scale == {"web": 2}


def test_redeploy_does_not_take_a_commit_whose_push_is_not_accepted(db, app):
    accepted(db, app, "1")
    with db.write() as tx:
        builds.add_build(tx, app.id, "9" * 40, source="push", who="admin", gate="1:1")
        again = release.redeploy(tx, app, who="admin")

    assert again.commit == "1" * 40


def test_what_runs_is_given_up_where_the_app_says_so(db, app):
    with db.write() as tx:
        environments.set_settings(tx, app.id, {"supersede_running": True})
    accepted(db, app, "1", scale={"web": 2})
    with db.write() as tx:
        running = there(builds.claim_next(tx, app.id, "a"))
    newest = accepted(db, app, "2")

    assert newest.options.scale == {"web": 2}
    assert states(db, app) == {1: BuildState.RUNNING, 2: BuildState.QUEUED}
    with db.write() as tx:
        told = there(builds.held(tx, running))
        assert told.error == "Superseded by #2, a newer push."
        assert builds.drop(tx, running, told.error)
        ended = builds.get_build(tx, running.id)
    assert (ended.state, ended.superseded_by) == (BuildState.SUPERSEDED, 2)


def test_what_is_released_is_not_given_up_though_its_release_phase_has_only_begun(db, app):
    with db.write() as tx:
        environments.set_settings(tx, app.id, {"supersede_running": True})
    accepted(db, app, "1")
    with db.write() as tx:
        built = there(builds.claim_next(tx, app.id, "a"))
        made = releases.add_release(
            tx, app.id, slug="a" * 64, commit="1" * 40, targets=PHASED, cause="push", who="admin"
        )
        rollouts.add_rollout(tx, app.id, cause="push", who="admin", release_id=made.id, build_id=built.id)
        builds.finish(tx, built, BuildState.SUCCEEDED, release_id=made.id)
        under_way = there(rollouts.claim_next(tx, app.id, "1:1"))
        releases.set_phase(tx, made.id, Phase.RUNNING)
    accepted(db, app, "2")

    assert states(db, app) == {1: BuildState.SUCCEEDED, 2: BuildState.QUEUED}
    with db.read() as tx:
        found = rollouts.get_rollout(tx, under_way.id)
    assert (found.state, found.error) == (RolloutState.RUNNING, "")


def test_one_whose_builder_is_lost_meanwhile_is_superseded_all_the_same(db, app):
    with db.write() as tx:
        environments.set_settings(tx, app.id, {"supersede_running": True})
    accepted(db, app, "1")
    with db.write() as tx:
        running = there(builds.claim_next(tx, app.id, "a"))
    accepted(db, app, "2")
    with db.write() as tx:
        assert builds.give_back(tx, running)

    assert states(db, app) == {1: BuildState.SUPERSEDED, 2: BuildState.QUEUED}


def test_one_that_was_given_up_before_stays_so(db, app):
    with db.write() as tx:
        environments.set_settings(tx, app.id, {"supersede_running": True})
    accepted(db, app, "1")
    with db.write() as tx:
        running = there(builds.claim_next(tx, app.id, "a"))
        builds.cancel(tx, running, "me asked for it.")
    accepted(db, app, "2")

    with db.read() as tx:
        found = builds.get_build(tx, running.id)
    assert (found.error, found.superseded_by) == ("me asked for it.", None)
