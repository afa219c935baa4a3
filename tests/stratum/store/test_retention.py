"""Which slugs are kept: by a pure rule, and in the database."""

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from stratum.errors import Conflict, NotFound
from stratum.model import BuildState, ReleaseState, Target
from stratum.store import Database, builds, environments, releases, retention
from stratum.store.retention import Kept, Surplus, surplus
from stratum.verbs import configure
from stratum.verbs import release as release_verbs
from tests.databases import new_database
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
        states = [one.state.value for one in list(releases.newest_first(tx, app.id))]
        assert states == ["live", "retired", "retired", "pruned", "pruned"]
        assert retention.apps_with_surplus(tx, 3) == [app.id]  # until the slugs have gone, too
        retention.forget(tx, app.id, "s1")
        assert retention.prune(tx, app.id, 3) == ("s2",)
        retention.forget(tx, app.id, "s2")
        assert retention.apps_with_surplus(tx, 3) == []


@pytest.mark.usefixtures("five")
def test_what_runs_on_under_newer_releases_is_kept_as_long_as_it_does(db, app):
    with db.write() as tx:
        releases.set_staying(tx, app.id, {1, 2})
        releases.set_staying(tx, app.id, {2, 3})
        assert releases.staying(tx, app.id) == {2, 3}
        assert retention.prune(tx, app.id, 1) == ("s1",)

        releases.set_staying(tx, app.id, ())
        assert retention.apps_with_surplus(tx, 1) == [app.id]
        assert retention.prune(tx, app.id, 1) == ("s1", "s2", "s3")


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
        releases.set_release_state(tx, next(releases.newest_first(tx, app.id)).id, RETIRED)
        release(tx, app, "s1", LIVE)
        for _ in range(3):
            releases.set_release_state(tx, next(releases.newest_first(tx, app.id)).id, RETIRED)
            release(tx, app, "s6", LIVE)

        assert retention.prune(tx, app.id, 2) == ("s1", "s3", "s4", "s5")


class Histories(RuleBasedStateMachine):
    """An app's life as its verbs record it, looked after at any moment.

    Whatever came before, and however few are to be kept: what runs, what a rollback would go back to,
    what is pinned and what is on its way has its slug.
    """

    def __init__(self):
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / "stratum.db"
        new_database(path)
        self.db = Database.open(path)
        self.slugs = set()
        with self.db.write() as tx:
            where = environments.add_environment(tx, "E", "production", start_all=False)
            self.app_id = environments.add_app(tx, where, "a").id

    def teardown(self):
        self.db.close()
        self._folder.cleanup()

    def app(self, tx):
        return there(environments.get_app(tx, self.app_id))

    @rule(slug=st.sampled_from("abcdefgh"), comes_up=st.booleans())
    def push(self, slug, comes_up):
        self.build(slug)
        if comes_up:
            self.roll_out(is_good=True)

    def build(self, slug):
        """A build ends: its slug is there before its release is recorded."""
        self.slugs.add(slug)
        with self.db.write() as tx:
            targets = (Target("web", "x"),)
            releases.add_release(
                tx, self.app_id, slug=slug, commit="1" * 40, targets=targets, cause="push", who="me"
            )

    @rule()
    def configure(self):
        with self.db.write() as tx:
            configure.record(tx, self.app(tx), b"", "config: set A", who="me")

    @rule(is_good=st.booleans())
    def roll_out(self, is_good):
        """The oldest release that is on its way comes up, or does not."""
        with self.db.write() as tx:
            waiting = [r for r in list(releases.newest_first(tx, self.app_id)) if r.state is PENDING]
            if not waiting:
                return
            current = self.app(tx).current_release_id
            if is_good and current is not None:
                releases.set_release_state(tx, current, RETIRED)
            releases.set_release_state(tx, waiting[-1].id, LIVE if is_good else FAILED)
            if is_good:
                environments.set_current_release(tx, self.app_id, waiting[-1].id)

    @rule(version=st.none() | st.integers(1, 12))
    def roll_back(self, version):
        with self.db.write() as tx, suppress(Conflict, NotFound):
            change = release_verbs.rollback(tx, self.app(tx), version, who="me")
            if change.changed:
                assert next(releases.newest_first(tx, self.app_id)).slug in self.slugs

    @rule(back=st.integers(0, 5), pinned=st.booleans())
    def pin(self, back, pinned):
        with self.db.read() as tx:
            version = max(1, len(list(releases.newest_first(tx, self.app_id))) - back)
        with self.db.write() as tx, suppress(Conflict, NotFound):
            release_verbs.describe(tx, self.app(tx), version, {"pinned": pinned})

    @rule(keep=st.integers(1, 4), is_cut_off=st.booleans())
    def look_after(self, keep, is_cut_off):
        before = self.goal()
        with self.db.write() as tx:
            gone = retention.prune(tx, self.app_id, keep)
        for slug in gone[: len(gone) // 2 if is_cut_off else None]:
            self.slugs.discard(slug)
            with self.db.write() as tx:
                retention.forget(tx, self.app_id, slug)
        assert self.goal() == before

    def goal(self):
        with self.db.read() as tx:
            try:
                return release_verbs.goal(tx, self.app(tx), None).version
            except Conflict:
                return None

    @invariant()
    def what_may_be_needed_is_there(self):
        with self.db.read() as tx:
            current = self.app(tx).current_release_id
            for one in list(releases.newest_first(tx, self.app_id)):
                is_needed = one.id == current or one.pinned or one.version == self.goal()
                if one.state is not FAILED and (is_needed or one.state in (PENDING, RETIRED, LIVE)):
                    assert one.slug in self.slugs, one


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
