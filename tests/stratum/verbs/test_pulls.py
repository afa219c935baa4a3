"""What is told of pull requests, whatever comes of it: the store is real, nothing is fetched."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stratum.errors import Conflict
from stratum.model import App, BuildState, DeliveryState, NewDelivery, PullRequest, Webhook
from stratum.store import Database, builds, deliveries, environments, reserved, reviews
from stratum.store.reserved import Reserved
from stratum.verbs import pulls, webhooks
from stratum.verbs import reviews as verbs
from stratum.verbs.destroy import destroy
from stratum.verbs.pulls import Bringing, Outcome
from stratum.webhooks import Provider
from tests.databases import new_database
from tests.there import there

AT = datetime(2026, 11, 22, 19, tzinfo=UTC)
PULL = PullRequest(7, True, "refs/pull/7/head", "topic", "c" * 40, "octo/app", "octo/app", False, AT)
FORK = replace(PULL, source="mallory/app", is_fork=True)


class Told:
    """An app whose web hook tells of pull requests."""

    def __init__(self, db: Database) -> None:
        self.db = db
        with db.write() as tx:
            environment = environments.add_environment(tx, "E", "x", start_all=False)
            self.parent: App = environments.add_app(tx, environment, "app")
            reviews.set_policy(tx, replace(verbs.policy_of(tx, self.parent), enabled=True, most=2))
            wanted = webhooks.Wanted(Provider.GITHUB, "https://git.example.com/octo/app.git", b"")
            self.webhook: Webhook = webhooks.create(tx, self.parent, wanted, who="ann")

    def take(self, pull: PullRequest) -> tuple[int, Outcome]:
        with self.db.write() as tx:
            outcome = pulls.take(tx, self.parent, self.webhook, pull)
            what = (pull.branch, pull.commit, b"", outcome.build, pull, outcome.build_app_id)
            new = NewDelivery("", "pull_request", {}, 2, outcome.state, outcome.reason, *what)
            return deliveries.record(tx, self.parent.id, self.webhook.id, new), outcome

    def state(self, number: int) -> DeliveryState:
        with self.db.read() as tx:
            return there(deliveries.get_delivery(tx, self.parent.id, number)).state

    def build(self, outcome: Outcome) -> BuildState:
        with self.db.read() as tx:
            return there(builds.find_build(tx, there(outcome.app).id, there(outcome.build))).state

    def bringing(self, pull: PullRequest, outcome: Outcome) -> Bringing | str:
        with self.db.read() as tx:
            one = Reserved(there(outcome.app).id, there(outcome.build))
            return pulls.bringing(tx, self.parent, pull, one)

    def gone(self, outcome: Outcome) -> None:
        with self.db.write() as tx:
            environments.remove_app(tx, there(outcome.app).id)

    def apps(self) -> list[str]:
        with self.db.read() as tx:
            return [app.name for app in environments.list_apps(tx)]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    new_database(tmp_path / "db")
    database = Database.open(tmp_path / "db")
    yield Told(database)
    database.close()


@pytest.mark.parametrize("at", [AT, None])
def test_a_close_ends_what_waits_whether_or_not_the_sender_tells_when_it_was(told, at):
    first, outcome = told.take(replace(PULL, at=at))
    second, ended = told.take(replace(PULL, at=at, is_open=False))

    assert (told.state(first), told.build(outcome)) == (DeliveryState.IGNORED, BuildState.SKIPPED)
    assert (told.state(second), ended.ends) == (DeliveryState.DONE, there(outcome.app).id)
    assert told.bringing(PULL, outcome) == "the app of pull request 7 was destroyed meanwhile"


def test_a_close_that_came_first_leaves_what_was_opened_before_without_an_app(told):
    told.take(replace(PULL, is_open=False, at=AT + timedelta(minutes=1)))
    _, outcome = told.take(PULL)

    assert (outcome.state, outcome.app, told.apps()) == (DeliveryState.IGNORED, None, ["app"])


def test_a_close_of_one_leaves_what_waits_of_others(told):
    first, outcome = told.take(replace(PULL, number=8))
    told.take(PULL)
    told.take(replace(PULL, is_open=False))

    assert (told.state(first), told.build(outcome)) == (DeliveryState.QUEUED, BuildState.FETCHING)


def test_the_last_number_that_apps_have_is_not_spent_on_one_that_cannot_be(told, monkeypatch):
    monkeypatch.setattr(environments, "MAX_APPS", 3)
    told.take(PULL)
    _, outcome = told.take(replace(PULL, number=8))

    assert (outcome.state, outcome.app) == (DeliveryState.FAILED, None)
    assert outcome.reason.startswith("This Stratum has made 2 apps")
    assert told.apps() == ["app", "app-pr-7"]
    with told.db.read() as tx:
        assert reviews.find_review(tx, told.parent.id, 8) is not None, "what was told is known"
    with told.db.write() as tx:
        environments.add_environment(tx, "F", "x", start_all=False)  # nothing is in the way of others


def test_an_approval_that_can_have_no_app_lets_nothing_in(told, monkeypatch):
    told.take(FORK)
    monkeypatch.setattr(environments, "MAX_APPS", 2)
    with pytest.raises(Conflict), told.db.write() as tx:
        pulls.approve(tx, told.parent, 7, pulls.Approval(), who="ann")

    with told.db.read() as tx:
        assert there(reviews.find_review(tx, told.parent.id, 7)).approved == ""


def test_what_was_lent_to_the_commit_that_is_approved_is_known_with_it(told):
    told.take(FORK)
    with told.db.write() as tx:
        _, outcome = pulls.approve(tx, told.parent, 7, pulls.Approval(with_values=True), who="ann")

    assert told.bringing(FORK, outcome) == Bringing(there(outcome.app), FORK.commit, lends=True)
    other = replace(FORK, commit="d" * 40)
    assert told.bringing(other, outcome) == "another commit was approved meanwhile"
    nameless = replace(FORK, commit="")
    assert told.bringing(nameless, outcome) == "another commit was approved meanwhile"


def test_what_was_told_as_no_fork_and_is_one_by_now_needs_a_word(told):
    _, outcome = told.take(PULL)
    told.take(replace(FORK, at=AT + timedelta(minutes=1)))

    assert told.bringing(PULL, outcome) == "another commit was approved meanwhile"


def test_what_waits_for_an_app_to_go_has_a_build_once_that_is_gone_and_ends_when_nobody_wants_it(told):
    _, first = told.take(PULL)
    with told.db.write() as tx:
        destroy(tx, there(first.app), "app-pr-7", who="ann")
    number, waits = told.take(PULL)
    assert (waits.state, waits.build, waits.reason) == (
        DeliveryState.QUEUED,
        None,
        "E/app-pr-7 is still being destroyed",
    )

    with told.db.write() as tx:
        delivery = there(deliveries.get_delivery(tx, told.parent.id, number))
        assert pulls.take_again(tx, told.parent, told.webhook, delivery).app is None
    told.gone(first)
    with told.db.write() as tx:
        outcome = pulls.take_again(tx, told.parent, told.webhook, delivery)
        given = there(deliveries.get_delivery(tx, told.parent.id, number))
        assert reserved.of(given) == Reserved(there(outcome.app).id, 1)
        verbs.close(tx, told.parent, 7, who="ann")
        again = pulls.take_again(tx, told.parent, told.webhook, delivery)
    assert (again.state, again.app, told.state(number)) == (
        DeliveryState.IGNORED,
        None,
        DeliveryState.IGNORED,
    )


def test_what_waits_for_an_app_that_is_gone_by_now_is_ended_by_hand_too(told):
    _, first = told.take(PULL)
    with told.db.write() as tx:
        destroy(tx, there(first.app), "app-pr-7", who="ann")
    number, _ = told.take(PULL)
    told.gone(first)
    with told.db.write() as tx:
        assert not verbs.close(tx, told.parent, 7, who="ann").changed

    assert told.state(number) is DeliveryState.IGNORED
