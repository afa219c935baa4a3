"""What git servers are to be told: by one at a time, always of the newest, and kept within bounds."""

from datetime import timedelta

import pytest

from stratum.model import DeliveryState, NewDelivery, StatusKind, Upstream
from stratum.store import builds, deliveries, statuses, upstreams, webhooks
from stratum.store.clock import in_seconds, now
from stratum.verbs import webhooks as verbs
from stratum.webhooks import Provider
from tests.there import there

COMMIT = "1" * 40


@pytest.fixture
def hook(db, app):
    wanted = verbs.Wanted(Provider.GITHUB, "https://github.com/octo/app.git", b"")
    with db.write() as tx:
        made = verbs.create(tx, app, wanted, who="admin")
        upstreams.set_upstream(tx, Upstream(made.id, statuses=True))
    return made


def deliver(tx, app, hook, commit=COMMIT):
    new = NewDelivery("", "push", {}, 2, DeliveryState.QUEUED, "", "main", commit)
    number = deliveries.record(tx, app.id, hook.id, new)
    build = builds.add_build(tx, app.id, commit, source="push", who="webhook:x")
    deliveries.end(tx, number, DeliveryState.PUSHED, "", build.number)
    return build


def only(tx, hook):
    [found] = statuses.list_statuses(tx, hook.id, 10)
    return found


def test_one_at_a_time_takes_what_is_due_until_it_counts_as_dead(db, app, hook):
    with db.write() as tx:
        deliver(tx, app, hook)
        [due] = statuses.due(tx, now())
        until = in_seconds(60)
        taken = there(statuses.begin(tx, due, until))

        assert statuses.begin(tx, due, in_seconds(60)) is None
        assert statuses.due(tx, now()) == []
        assert statuses.next_due(tx) == until
        assert [one.id for one in statuses.due(tx, until)] == [taken.id]


def test_what_happens_while_one_is_told_is_due_afterwards(db, app, hook):
    with db.write() as tx:
        build = deliver(tx, app, hook)
        taken = there(statuses.begin(tx, only(tx, hook), in_seconds(60)))
        statuses.touch(tx, app.id, build.number)
        assert statuses.due(tx, now()) == []
        statuses.record_told(tx, taken, "pending", 201)

        [due] = statuses.due(tx, now())
        assert (due.told, due.told_build, due.attempts) == ("pending", build.number, 0)
        taken = there(statuses.begin(tx, due, in_seconds(60)))
        statuses.touch(tx, app.id, build.number)
        statuses.record_failure(tx, taken, 503, "answered 503", now() + timedelta(hours=1))
        assert statuses.due(tx, now()) != []  # what is new does not wait for the old to be tried again


def test_who_was_taken_for_dead_changes_nothing_any_more(db, app, hook):
    with db.write() as tx:
        deliver(tx, app, hook)
        dead = there(statuses.begin(tx, only(tx, hook), now()))
        other = there(statuses.begin(tx, only(tx, hook), in_seconds(60)))
        statuses.record_told(tx, dead, "success", 201)
        statuses.settle(tx, dead)

        assert (only(tx, hook).told, only(tx, hook).busy_until) == ("", other.busy_until)


def test_what_is_told_no_more_is_not_due(db, app, hook):
    with db.write() as tx:
        deliver(tx, app, hook)
        upstreams.set_upstream(tx, Upstream(hook.id, statuses=False, deployments=True))

        assert (statuses.due(tx, now()), statuses.next_due(tx)) == ([], None)


def test_a_build_is_a_deployment_of_its_own_and_its_commit_one_status(db, app, hook):
    with db.write() as tx:
        upstreams.set_upstream(tx, Upstream(hook.id, statuses=True, deployments=True))
        deliver(tx, app, hook)
        builds.add_build(tx, app.id, COMMIT, source="retry", who="admin")
        found = [(one.kind, one.build) for one in statuses.list_statuses(tx, hook.id, 10)]

    assert found == [(StatusKind.DEPLOYMENT, 2), (StatusKind.DEPLOYMENT, 1), (StatusKind.COMMIT, 2)]


def test_the_newest_are_kept_and_all_that_are_due(db, app, hook, monkeypatch):
    monkeypatch.setattr(statuses, "KEPT", 2)
    with db.write() as tx:
        for number in range(5):
            deliver(tx, app, hook, str(number) * 40)
        assert len(statuses.list_statuses(tx, hook.id, 10)) == 5
        for one in statuses.list_statuses(tx, hook.id, 10):
            statuses.settle(tx, there(statuses.begin(tx, one, in_seconds(60))))
        deliver(tx, app, hook, "a" * 40)
        kept = [one.commit[0] for one in statuses.list_statuses(tx, hook.id, 10)]

    assert kept == ["a", "4", "3"]


def test_they_go_with_their_web_hook(db, app, hook):
    with db.write() as tx:
        deliver(tx, app, hook)
        webhooks.remove_webhook(tx, hook.id)

        assert statuses.list_statuses(tx, hook.id, 10) == []
        assert upstreams.get_upstream(tx, hook.id) == Upstream(hook.id)
