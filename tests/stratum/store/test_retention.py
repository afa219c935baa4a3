"""Which slugs are kept: by a pure rule, and in the database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.model import BuildState, ReleaseState, Target
from stratum.store import builds, environments, releases, retention
from stratum.store.retention import Kept, Surplus, surplus
from tests.there import there

LIVE, RETIRED, FAILED, PENDING = (
    ReleaseState.LIVE,
    ReleaseState.RETIRED,
    ReleaseState.FAILED,
    ReleaseState.PENDING,
)


def row(version, state=RETIRED, slug="", *, pinned=False):
    return Kept(version, version, state, slug or f"s{version}", pinned, state is LIVE)


def test_as_many_of_the_newest_are_kept_as_are_asked_for():
    found = [row(5, LIVE), row(4), row(3), row(2), row(1)]

    assert surplus(found, 3) == Surplus((2, 1), ("s1", "s2"))
    assert surplus(found, 5) == Surplus()


def test_the_current_one_and_the_one_before_are_kept_however_old():
    found = [row(6), row(5), row(4), row(3, LIVE), row(2), row(1)]

    assert surplus(found, 1) == Surplus((5, 4, 1), ("s1", "s4", "s5"))


def test_what_is_pinned_or_has_not_run_yet_is_kept():
    found = [row(6, PENDING), row(5, LIVE), row(4), row(3), row(2, pinned=True), row(1)]

    assert surplus(found, 1) == Surplus((3, 1), ("s1", "s3"))


def test_failed_ones_count_for_nothing_and_need_no_slug():
    found = [row(5, FAILED), row(4, FAILED), row(3, LIVE), row(2, FAILED), row(1)]

    assert surplus(found, 2) == Surplus((), ("s2", "s4", "s5"))


def test_a_slug_stays_as_long_as_one_release_or_build_needs_it():
    found = [row(4, LIVE, "a"), row(3, slug="b"), row(2, slug="a"), row(1, slug="c")]

    assert surplus(found, 1, {"c"}) == Surplus((2, 1), ())


_ROWS = st.lists(
    st.tuples(
        st.sampled_from([RETIRED, FAILED, PENDING]), st.sampled_from("abcdef"), st.booleans(), st.booleans()
    ),
    max_size=20,
)


@given(_ROWS, st.integers(1, 6), st.integers(0, 20))
def test_nothing_that_may_be_needed_ever_goes(given_rows, keep, current):
    found = [
        Kept(version, version, LIVE if version == current else state, slug, pinned, version == current)
        for version, (state, slug, pinned, _) in reversed(list(enumerate(given_rows, 1)))
    ]
    gone = surplus(found, keep)

    ran = [one for one in found if one.state in (LIVE, RETIRED)]
    stays = [one for one in found if one.id not in gone.releases and one.state is not FAILED]
    assert set(gone.slugs).isdisjoint(one.slug for one in stays)
    assert len([one for one in ran if one.id not in gone.releases]) >= min(keep, len(ran))
    assert not any(
        one.current or one.pinned or one.state is PENDING for one in found if one.id in gone.releases
    )
    assert surplus([one for one in found if one.id not in gone.releases], keep).releases == ()


def release(tx, app, slug, state):
    made = releases.add_release(
        tx, app.id, slug=slug, commit="1" * 40, targets=(Target("web", "x"),), cause="push", who="me"
    )
    releases.set_release_state(tx, made.id, state)
    if state is LIVE:
        environments.set_current_release(tx, app.id, made.id)
    return made


@pytest.fixture
def five(db, app):
    with db.write() as tx:
        for number in range(1, 5):
            release(tx, app, f"s{number}", RETIRED)
        release(tx, app, "s5", LIVE)


@pytest.mark.usefixtures("five")
def test_pruned_releases_are_marked_before_their_slugs_go(db, app):
    with db.write() as tx:
        assert retention.apps_with_surplus(tx, 3) == [app.id]
        assert retention.prune(tx, app.id, 3) == ("s1", "s2")

    with db.write() as tx:
        states = [one.state.value for one in releases.list_releases(tx, app.id)]
        assert states == ["live", "retired", "retired", "pruned", "pruned"]
        assert retention.apps_with_surplus(tx, 3) == [app.id]  # until the slugs have gone, too
        retention.forget(tx, app.id, "s1")
        assert retention.prune(tx, app.id, 3) == ("s2",)
        retention.forget(tx, app.id, "s2")
        assert retention.apps_with_surplus(tx, 3) == []


@pytest.mark.usefixtures("five")
def test_a_slug_that_a_build_still_wants_stays(db, app):
    with db.write() as tx:
        builds.add_build(tx, app.id, "2" * 40, source="push", who="me", gate="1:1")
        held = there(builds.claim_next(tx, app.id, "1:1"))
        assert builds.wait(tx, held, "s1", ()) is BuildState.WAITING

        assert retention.prune(tx, app.id, 3) == ("s2",)


@pytest.mark.usefixtures("five")
def test_the_same_slug_made_again_is_known_again(db, app):
    with db.write() as tx:
        for slug in retention.prune(tx, app.id, 3):
            retention.forget(tx, app.id, slug)
        releases.set_release_state(tx, releases.list_releases(tx, app.id)[0].id, RETIRED)
        release(tx, app, "s1", LIVE)
        for _ in range(3):
            releases.set_release_state(tx, releases.list_releases(tx, app.id)[0].id, RETIRED)
            release(tx, app, "s6", LIVE)

        assert retention.prune(tx, app.id, 2) == ("s1", "s3", "s4", "s5")
