"""A gated build is made before its ref moves, and released after: never without."""

import pytest

from stratum.errors import NothingReleased
from stratum.model import BuildState, RefUpdate, ReleaseState, Target
from stratum.store import builds, pushes, releases, retention
from stratum.verbs import release
from tests.there import there

ZERO, ONE, TWO = "0" * 40, "1" * 40, "2" * 40
TARGETS = (Target("web", "run me"),)
SLUG = "a" * 64


def queue(tx, app_id, commit=ONE, gate="1:1"):
    return builds.add_build(tx, app_id, commit, source="push", who="me", gate=gate)


def built(tx, app_id, slug=SLUG):
    build = there(builds.claim_next(tx, app_id, "a"))
    builds.wait(tx, build, slug, TARGETS)
    return builds.get_build(tx, build.id)


def journal(tx, app_id, build):
    update = RefUpdate("refs/heads/master", ZERO, build.commit)
    [push_id] = pushes.journal(tx, app_id, [(update, True)], "me", web_process="1:1", receive_process="2:2")
    builds.belong(tx, build.id, push_id)
    return push_id


def test_what_was_built_waits_and_lets_the_next_build_pass(db, app):
    with db.write() as tx:
        queue(tx, app.id)
        waiting = built(tx, app.id)
        other = queue(tx, app.id, gate="")

        assert (waiting.state, waiting.slug, waiting.targets) == (BuildState.WAITING, SLUG, TARGETS)
        assert (waiting.owner, waiting.attempt, waiting.finished_at) == ("", 0, None)
        assert there(builds.claim_next(tx, app.id, "b")).id == other.id


def test_once_its_push_is_accepted_it_is_claimed_with_what_was_built(db, app):
    with db.write() as tx:
        waiting = (queue(tx, app.id), built(tx, app.id))[1]
        push_id = journal(tx, app.id, waiting)
        [accepted] = pushes.accept(tx, [push_id])
        claimed = there(builds.claim_next(tx, app.id, "b"))

        assert accepted.id == waiting.id
        assert (claimed.push_id, claimed.slug, claimed.targets, claimed.attempt) == (
            push_id,
            SLUG,
            TARGETS,
            1,
        )
        assert not builds.cancel_gated(tx, claimed, "too late")
        assert builds.finish(tx, claimed, BuildState.SUCCEEDED)
        assert builds.get_build(tx, claimed.id).error == ""


def test_one_whose_ref_has_not_moved_is_canceled_with_its_push(db, app):
    with db.write() as tx:
        waiting = (queue(tx, app.id), built(tx, app.id))[1]
        pushes.reject(tx, [journal(tx, app.id, waiting)])

        assert builds.get_build(tx, waiting.id).state is BuildState.CANCELED
        assert builds.claim_next(tx, app.id, "b") is None


@pytest.mark.parametrize("is_built", [False, True])
def test_one_that_nobody_works_on_is_canceled_at_once(db, app, is_built):
    with db.write() as tx:
        build = queue(tx, app.id)
        if is_built:
            built(tx, app.id)

        assert builds.cancel_gated(tx, build, "The pusher has gone.")
        ended = builds.get_build(tx, build.id)
        assert (ended.state, ended.error) == (BuildState.CANCELED, "The pusher has gone.")
        assert ended.finished_at is not None
        assert builds.claim_next(tx, app.id, "b") is None


def test_one_that_runs_is_canceled_when_it_ends(db, app):
    with db.write() as tx:
        queue(tx, app.id)
        running = there(builds.claim_next(tx, app.id, "a"))

        assert not builds.cancel_gated(tx, running, "The pusher has gone.")
        assert builds.renew(tx, running)
        assert builds.wait(tx, running, SLUG, TARGETS) is BuildState.CANCELED
        ended = builds.get_build(tx, running.id)
        assert (ended.state, ended.error) == (BuildState.CANCELED, "The pusher has gone.")


def test_one_that_runs_and_was_given_up_is_not_built_again(db, app):
    with db.write() as tx:
        queue(tx, app.id)
        running = there(builds.claim_next(tx, app.id, "a"))
        builds.cancel_gated(tx, running, "The pusher has gone.")

        assert builds.give_back(tx, running)
        ended = builds.get_build(tx, running.id)
        assert (ended.state, ended.error) == (BuildState.CANCELED, "The pusher has gone.")
        assert ended.finished_at is not None


def test_who_lost_the_lease_records_nothing(db, app):
    with db.write() as tx:
        queue(tx, app.id)
        lost = there(builds.claim_next(tx, app.id, "a"))
        builds.give_back(tx, lost)

        assert builds.wait(tx, lost, SLUG, TARGETS) is None
        assert builds.get_build(tx, lost.id).state is BuildState.QUEUED


def test_no_other_build_is_canceled(db, app):
    with db.write() as tx:
        plain = queue(tx, app.id, gate="")

        assert not builds.cancel_gated(tx, plain, "no")
        assert builds.get_build(tx, plain.id) == plain


def test_orphans_are_those_that_belong_to_no_push(db, app):
    with db.write() as tx:
        taken = (queue(tx, app.id), built(tx, app.id))[1]
        journal(tx, app.id, taken)
        ended = queue(tx, app.id)
        builds.cancel_gated(tx, ended, "no")
        queue(tx, app.id, gate="")
        running, queued, held = (queue(tx, app.id) for _ in range(3))
        builds.hold(tx, held.id)

        assert [build.id for build in builds.orphans(tx)] == [running.id, queued.id, held.id]


def test_what_was_built_for_nothing_is_found_unless_something_else_has_it(db, app):
    with db.write() as tx:
        for slug in ("a", "b", "c"):
            queue(tx, app.id)
            built(tx, app.id, slug)
        one, two, _ = builds.orphans(tx)
        builds.cancel_gated(tx, one, "no")
        builds.cancel_gated(tx, two, "no")
        releases.add_release(tx, app.id, slug="b", commit=ONE, targets=(), cause="", who="")

        assert retention.unused(tx, app.id) == ["a"]
        retention.forget_unused(tx, app.id, "a")
        assert retention.unused(tx, app.id) == []


def test_what_was_sealed_by_a_builder_that_was_lost_is_known(db, app):
    with db.write() as tx:
        queue(tx, app.id, gate="")
        lost = there(builds.claim_next(tx, app.id, "a"))
        assert builds.note_slug(tx, lost, SLUG, TARGETS)
        assert retention.unused(tx, app.id) == []
        builds.give_back(tx, lost)
        again = there(builds.claim_next(tx, app.id, "b"))

        assert (again.slug, again.targets) == (SLUG, TARGETS)
        assert not builds.note_slug(tx, lost, "b" * 64, ())
        assert builds.drop(tx, again, "given up")
        assert retention.unused(tx, app.id) == [SLUG]


def test_redeploy_builds_no_commit_that_was_not_taken(db, app):
    with db.write() as tx:
        waiting = (queue(tx, app.id, TWO), built(tx, app.id))[1]
        with pytest.raises(NothingReleased):
            release.redeploy(tx, app, who="me")
        push_id = journal(tx, app.id, waiting)
        with pytest.raises(NothingReleased):
            release.redeploy(tx, app, who="me")
        pushes.accept(tx, [push_id])

        assert release.redeploy(tx, app, who="me").commit == TWO


def test_what_was_built_for_nothing_is_found_where_an_older_release_had_it_that_is_kept_no_more(db, app):
    with db.write() as tx:
        release_id = releases.add_release(tx, app.id, slug=SLUG, commit=ONE, targets=(), cause="", who="").id
        releases.set_release_state(tx, release_id, ReleaseState.PRUNED)
        retention.forget(tx, app.id, SLUG)
        queue(tx, app.id, gate="")  # its commit once more, and so the same slug
        again = there(builds.claim_next(tx, app.id, "a"))
        builds.note_slug(tx, again, SLUG, TARGETS)
        builds.drop(tx, again, "given up")

        assert retention.unused(tx, app.id) == [SLUG]
        retention.forget_unused(tx, app.id, SLUG)
        assert retention.unused(tx, app.id) == []
