"""Which records of builds go."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from stratum.model import BuildState, ReleaseState, RolloutState
from stratum.store import Database, builds, environments, records, releases, rollouts, tables
from tests.databases import new_database


def build(tx, app, state=BuildState.FAILED, release=None, rollout=None):
    """Record a build in a state, with its release and rollout in theirs."""
    made = builds.add_build(tx, app.id, "1" * 40, source="push", who="me")
    tx.execute(update(tables.builds).where(tables.builds.c.id == made.id).values(state=state.value))
    if release is not None:
        found = releases.add_release(
            tx, app.id, slug="s", commit="1" * 40, targets=(), cause="", who="", build_id=made.id
        )
        releases.set_release_state(tx, found.id, release)
    if rollout is not None:
        queued = rollouts.add_rollout(tx, app.id, cause="", who="", build_id=made.id)
        mine = tables.rollouts.c.id == queued.id
        tx.execute(update(tables.rollouts).where(mine).values(state=rollout.value))
    return made


def numbers(tx, app):
    return [one.number for one in builds.list_builds(tx, app.id)][::-1]


def prune(tx, keep):
    old = records.old_builds(tx, keep)
    records.remove(tx, old)
    return old


def test_the_newest_stay_and_the_others_go(db, app):
    with db.write() as tx:
        other = environments.add_app(tx, app.environment, "other")
        for _ in range(5):
            build(tx, app)
        build(tx, other)

        assert [one.number for one in prune(tx, 3)] == [1, 2]
        assert (numbers(tx, app), numbers(tx, other)) == ([3, 4, 5], [1])
        assert prune(tx, 3) == []
        assert build(tx, app).number == 6


@pytest.mark.parametrize("state", [ReleaseState.PENDING, ReleaseState.LIVE, ReleaseState.RETIRED])
def test_what_a_kept_release_was_made_by_stays(db, app, state):
    with db.write() as tx:
        build(tx, app, BuildState.SUCCEEDED, release=state)
        build(tx, app)
        build(tx, app)

        prune(tx, 1)

        assert numbers(tx, app) == [1, 3]
        assert next(releases.newest_first(tx, app.id)).build_id is not None


@pytest.mark.parametrize("state", [ReleaseState.PRUNED, ReleaseState.FAILED])
def test_a_release_that_is_not_kept_stays_known_without_its_build(db, app, state):
    with db.write() as tx:
        build(tx, app, BuildState.SUCCEEDED, release=state, rollout=RolloutState.SUCCEEDED)
        build(tx, app)

        prune(tx, 1)

        assert numbers(tx, app) == [2]
        [release] = list(releases.newest_first(tx, app.id))
        assert (release.state, release.build_id) == (state, None)
        assert rollouts.find_rollout(tx, app.id, 1) is not None


@pytest.mark.parametrize("state", [state for state in BuildState if not state.is_terminal])
def test_what_has_not_ended_stays(db, app, state):
    with db.write() as tx:
        build(tx, app, state)
        for _ in range(3):
            build(tx, app)

        prune(tx, 1)

        assert numbers(tx, app) == [1, 4]


@pytest.mark.parametrize("state", [RolloutState.QUEUED, RolloutState.RUNNING, RolloutState.LIVE])
def test_what_is_being_rolled_out_stays(db, app, state):
    with db.write() as tx:
        build(tx, app, BuildState.SUCCEEDED, rollout=state)
        build(tx, app)

        prune(tx, 1)

        assert numbers(tx, app) == [1, 2]


def test_so_many_go_at_a_time_that_nobody_waits_for_it(db, app, monkeypatch):
    monkeypatch.setattr(records, "_OLD", records._OLD.limit(2))
    with db.write() as tx:
        for _ in range(6):
            build(tx, app)

        assert [len(prune(tx, 1)) for _ in range(4)] == [2, 2, 1, 0]


def rolled_out(tx, app, state=RolloutState.SUCCEEDED, release=None):
    """Record a rollout in a state, maybe of a release in its."""
    made = None
    if release is not None:
        made = releases.add_release(tx, app.id, slug="s", commit="1" * 40, targets=(), cause="", who="")
        releases.set_release_state(tx, made.id, release)
    queued = rollouts.add_rollout(tx, app.id, cause="", who="", release_id=made.id if made else None)
    mine = tables.rollouts.c.id == queued.id
    tx.execute(update(tables.rollouts).where(mine).values(state=state.value))


def test_of_rollouts_the_newest_stay_with_those_of_kept_releases_and_what_has_not_ended(db, app):
    kept = [ReleaseState.PENDING, ReleaseState.LIVE, ReleaseState.RETIRED]
    with db.write() as tx:
        other = environments.add_app(tx, app.environment, "other")
        rolled_out(tx, other)
        for release in (*kept, ReleaseState.PRUNED, ReleaseState.FAILED, None):
            rolled_out(tx, app, release=release)
        for state in RolloutState:
            rolled_out(tx, app, state)
        rolled_out(tx, app)

        records.remove_rollouts(tx, records.old_rollouts(tx, 1))

        states = [RolloutState.SUCCEEDED] * 3 + list(RolloutState)
        busy = [state for state in states[3:] if not state.is_settled or state is RolloutState.LIVE]
        left = [rollouts.find_rollout(tx, app.id, number) for number in range(1, 13)]
        assert [one.state for one in left if one] == [*states[:3], *busy, RolloutState.SUCCEEDED]
        assert rollouts.find_rollout(tx, other.id, 1)
        assert records.old_rollouts(tx, 1) == []
        assert rollouts.add_rollout(tx, app.id, cause="", who="").number == 13


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    path = tmp_path_factory.mktemp("db") / "stratum.db"
    new_database(path)
    database = Database.open(path)
    with database.write() as tx:
        where = environments.add_environment(tx, "E", "x", start_all=False)
    yield database, where
    database.close()


_BUILDS = st.lists(
    st.tuples(
        st.sampled_from(BuildState),
        st.none() | st.sampled_from(ReleaseState),
        st.none() | st.sampled_from(RolloutState),
    ),
    max_size=12,
)


@settings(max_examples=50, deadline=None)
@given(rows=_BUILDS, keep=st.integers(1, 6), number=st.integers(1, 10**12))
def test_nothing_goes_that_anything_needs(crowded, rows, keep, number):
    database, where = crowded
    with database.write() as tx:
        app = environments.add_app(tx, where, f"a{number}")
        made = [build(tx, app, state, release, rollout) for state, release, rollout in rows]
        prune(tx, keep)
        left = set(numbers(tx, app))
        environments.remove_app(tx, app.id)

    for one, (state, release, rollout) in zip(made, rows, strict=True):
        is_needed = (
            one.number > len(rows) - keep
            or not state.is_terminal
            or release in (ReleaseState.PENDING, ReleaseState.LIVE, ReleaseState.RETIRED)
            or rollout in (RolloutState.QUEUED, RolloutState.RUNNING, RolloutState.LIVE)
        )
        assert (one.number in left) == is_needed, one
