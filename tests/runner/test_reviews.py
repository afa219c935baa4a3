"""Review apps whose end nobody has told of go by themselves; the store is real, everything else left out."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner import reviews as runner
from stratum.model import App, PullRequest, RolloutState
from stratum.store import Database, environments, reviews, rollouts
from stratum.store.clock import now
from stratum.verbs import pulls, webhooks
from stratum.verbs import reviews as verbs
from stratum.webhooks import Provider
from tests.databases import new_database

PULL = PullRequest(7, True, "refs/pull/7/head", "topic", "c" * 40, "octo/app", "octo/app", False)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    new_database(tmp_path / "db")
    database = Database.open(tmp_path / "db")
    yield database
    database.close()


def review_app(database: Database, ttl_days: int) -> App:
    """Make an app with a review app of a pull request."""
    with database.write() as tx:
        parent = environments.add_app(tx, environments.add_environment(tx, "E", "x", start_all=False), "app")
        policy = replace(verbs.policy_of(tx, parent), enabled=True, ttl_days=ttl_days)
        reviews.set_policy(tx, policy)
        wanted = webhooks.Wanted(Provider.GITHUB, "https://git.example.com/octo/app.git", b"")
        pulls.follow(tx, parent, webhooks.create(tx, parent, wanted, who="ann"), PULL)
        return verbs.app_for(tx, parent, PULL.number)


def ended(database: Database, monkeypatch: pytest.MonkeyPatch, days: int) -> list[str]:
    """Look so many days later; return what is to be rolled out then."""
    parts: Any = SimpleNamespace(database=database)
    later = now() + timedelta(days=days)
    monkeypatch.setattr(runner, "now", lambda: later)
    runner.end_reviews(parts)
    with database.read() as tx:
        return [rollout.cause for rollout in rollouts.in_state(tx, RolloutState.QUEUED)]


def test_one_of_which_nothing_was_heard_for_as_long_as_its_policy_says_is_destroyed(database, monkeypatch):
    made = review_app(database, ttl_days=3)

    assert ended(database, monkeypatch, days=2) == []
    assert ended(database, monkeypatch, days=3) == ["destroy"]
    assert ended(database, monkeypatch, days=4) == ["destroy"], "once"
    with database.read() as tx:
        found = environments.get_app(tx, made.id)
    assert found is not None
    assert found.destroying


def test_without_a_limit_it_stays(database, monkeypatch):
    review_app(database, ttl_days=0)

    assert ended(database, monkeypatch, days=3000) == []
