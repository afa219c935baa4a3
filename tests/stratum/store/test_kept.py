"""Which builds' commits stay."""

from stratum.model import BuildState, RefUpdate, ReleaseState
from stratum.store import builds, environments, pushes, releases
from stratum.store.kept import NEWEST, kept_commits
from tests.there import there

SLUG = "a" * 64


def commit(number):
    return f"{number:040x}"


def built(tx, app, number, *, released=None):
    """Record a build that has ended, with a release in the state given."""
    build = builds.add_build(tx, app.id, commit(number), source="push", who="admin")
    claimed = there(builds.claim_next(tx, app.id, "a"))
    if released is not None:
        release = releases.add_release(
            tx, app.id, slug=SLUG, commit=build.commit, targets=(), cause="x", who="x", build_id=build.id
        )
        releases.set_release_state(tx, release.id, released)
    builds.finish(tx, claimed, BuildState.FAILED if released is None else BuildState.SUCCEEDED)


def test_the_newest_and_those_with_releases_that_ran_are_kept(db, app):
    released = {
        1: ReleaseState.RETIRED,
        2: ReleaseState.FAILED,
        3: ReleaseState.LIVE,
        4: ReleaseState.PENDING,
    }
    with db.write() as tx:
        for number in range(1, NEWEST + 6):
            built(tx, app, number, released=released.get(number))
        kept = kept_commits(tx, app.id)

    assert sorted(kept) == [1, 3, 4, *range(6, NEWEST + 6)]
    assert kept[3] == commit(3)


def test_what_has_not_ended_is_kept_however_old(db, app):
    with db.write() as tx:
        for number in range(1, NEWEST + 6):
            builds.add_build(tx, app.id, commit(number), source="push", who="admin")

        assert len(kept_commits(tx, app.id)) == NEWEST + 5


def test_a_gated_build_is_kept_once_its_push_is_accepted(db, app):
    with db.write() as tx:
        update = RefUpdate("refs/heads/master", "0" * 40, commit(1))
        (push,) = pushes.journal(tx, app.id, [(update, True)], "a", web_process="1:1", receive_process="1:1")
        builds.add_build(tx, app.id, commit(1), source="push", who="admin", push_id=push, gate="1:1")
        assert kept_commits(tx, app.id) == {}

        pushes.accept(tx, [push])
        assert kept_commits(tx, app.id) == {1: commit(1)}


def test_another_app_has_builds_of_its_own(db, app):
    with db.write() as tx:
        other = environments.add_app(tx, app.environment, "app03")
        builds.add_build(tx, app.id, commit(1), source="push", who="admin")

        assert kept_commits(tx, other.id) == {}
