"""Pull requests told of in any order, fetched, closed, destroyed: no build or app waits for nobody."""

import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from stratum.model import App, BuildState, DeliveryState, RecordedDelivery, ReviewState
from stratum.store import Database, builds, deliveries, environments, reserved, reviews
from stratum.verbs import pulls
from stratum.verbs import reviews as verbs
from tests.databases import new_database
from tests.stratum.verbs.test_pulls import AT, PULL, Told

NUMBERS = st.sampled_from([7, 8, 9])
MINUTES = st.none() | st.integers(0, 4)


class Histories(RuleBasedStateMachine):
    """One app with a web hook; at most two review apps at once."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        new_database(Path(self._folder.name, "db"))
        self.told = Told(Database.open(Path(self._folder.name, "db")))
        self.db, self.parent = self.told.db, self.told.parent

    def teardown(self) -> None:
        self.db.close()
        self._folder.cleanup()

    @rule(number=NUMBERS, is_open=st.booleans(), is_fork=st.booleans(), minute=MINUTES)
    def tell(self, number: int, is_open: bool, is_fork: bool, minute: int | None) -> None:
        at = None if minute is None else AT + timedelta(minutes=minute)
        pull = replace(PULL, number=number, is_open=is_open, is_fork=is_fork, at=at)
        _, outcome = self.told.take(pull)
        if not is_open or outcome.state is not DeliveryState.QUEUED:
            assert outcome.build is None
        if outcome.state is not DeliveryState.QUEUED:
            assert outcome.reason

    @rule(number=NUMBERS)
    def approve(self, number: int) -> None:
        with self.db.write() as tx:
            known = reviews.find_review(tx, self.parent.id, number)
            if known is not None and known.pull.is_open and known.pull.is_fork:
                taken = reviews.count_apps(tx, self.parent.id)
                if known.app_id is not None or taken < verbs.policy_of(tx, self.parent).most:
                    pulls.approve(tx, self.parent, number, pulls.Approval(), who="ann")

    @rule(number=NUMBERS)
    def destroy(self, number: int) -> None:
        with self.db.write() as tx:
            if reviews.find_review(tx, self.parent.id, number) is not None:
                verbs.close(tx, self.parent, number, who="ann")

    @rule()
    def remove_what_is_destroyed(self) -> None:
        with self.db.write() as tx:
            for app in environments.list_apps(tx):
                if app.destroying:
                    environments.remove_app(tx, app.id)

    @rule(which=st.integers(0, 3))
    def fetch(self, which: int) -> None:
        """As the fetcher does with one that waits; what it has pushed is not told here."""
        with self.db.write() as tx:
            waiting = deliveries.queued(tx, self.parent.id)
            if not waiting:
                return
            one = waiting[which % len(waiting)]
            assert one.pull is not None
            build = reserved.of(one)
            if build is None:
                outcome = pulls.take_again(tx, self.parent, self.told.webhook, one)
                if outcome.state is not DeliveryState.QUEUED:
                    deliveries.end(tx, one.id, outcome.state, outcome.reason)
                return
            found = pulls.bringing(tx, self.parent, one.pull, build)
            state = BuildState.SKIPPED if isinstance(found, str) else BuildState.FAILED
            deliveries.end(tx, one.id, DeliveryState.IGNORED, "so")
            reserved.end(tx, build, state, "so")

    def review_apps(self) -> list[App]:
        with self.db.read() as tx:
            return [app for app in environments.list_apps(tx) if app.review is not None]

    def waiting(self) -> list[RecordedDelivery]:
        with self.db.read() as tx:
            return deliveries.queued(tx, self.parent.id)

    @invariant()
    def what_waits_has_its_build_and_a_build_that_waits_its_delivery(self) -> None:
        awaited = {build for one in self.waiting() if (build := reserved.of(one)) is not None}
        with self.db.read() as tx:
            fetching = builds.in_state(tx, BuildState.FETCHING)
            assert {reserved.Reserved(one.app_id, one.number) for one in fetching} == awaited
            assert reserved.orphans(tx) == []

    @invariant()
    def there_are_no_more_apps_than_allowed_and_none_of_what_is_closed(self) -> None:
        living = [app for app in self.review_apps() if not app.destroying]
        assert len(living) <= 2
        with self.db.read() as tx:
            for app in living:
                assert app.review is not None
                known = reviews.find_review(tx, self.parent.id, app.review.number)
                assert known is not None
                assert known.state is not ReviewState.CLOSED

    @invariant()
    def only_what_waits_for_an_app_to_go_has_no_build(self) -> None:
        for one in self.waiting():
            if one.build is None:
                assert "still being destroyed" in one.reason


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
