"""Review apps: what apps wish for their pull requests, and which there are."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime, timedelta

from sqlalchemy import Row, delete, func, insert, select, update

from stratum.model import PullRequest, ReviewApp, ReviewPolicy, ReviewState
from stratum.store import tables as t
from stratum.store.clock import now
from stratum.store.database import Transaction
from stratum.store.rows import added

KEPT = timedelta(days=30)  # what has ended, so that what is told late brings nothing back

_COLUMNS = [t.review_apps.c[field.name] for field in fields(ReviewApp)]


def policy_of(tx: Transaction, app_id: int) -> ReviewPolicy | None:
    """Return what an app wishes; None: it was never asked."""
    row = tx.execute(select(t.review_policies).where(t.review_policies.c.app_id == app_id)).one_or_none()
    if row is None:
        return None
    return ReviewPolicy(**{**row._mapping, "variables": tuple(row.variables)})


def set_policy(tx: Transaction, policy: ReviewPolicy) -> None:
    """Record what an app wishes from now on."""
    tx.execute(delete(t.review_policies).where(t.review_policies.c.app_id == policy.app_id))
    tx.execute(insert(t.review_policies).values({**asdict(policy), "variables": list(policy.variables)}))


def find_review(tx: Transaction, parent_id: int, number: int) -> ReviewApp | None:
    """Find a pull request of an app's source."""
    mine = (t.review_apps.c.parent_id == parent_id, t.review_apps.c.number == number)
    row = tx.execute(select(*_COLUMNS).where(*mine)).one_or_none()
    return None if row is None else _review(row)


def list_reviews(tx: Transaction, parent_id: int) -> list[ReviewApp]:
    """Return all that an app was told of and that is not forgotten, newest number first."""
    chosen = select(*_COLUMNS).where(t.review_apps.c.parent_id == parent_id)
    return [_review(row) for row in tx.execute(chosen.order_by(t.review_apps.c.number.desc()))]


def with_apps(tx: Transaction) -> list[ReviewApp]:
    """Return those of all apps for which there is one, be it that it is being destroyed."""
    return [_review(row) for row in tx.execute(select(*_COLUMNS).where(t.review_apps.c.app_id.is_not(None)))]


def count_apps(tx: Transaction, parent_id: int) -> int:
    """Count the review apps that an app has, without those that are being destroyed."""
    joined = t.review_apps.join(t.apps, t.apps.c.id == t.review_apps.c.app_id)
    mine = (t.review_apps.c.parent_id == parent_id, ~t.apps.c.destroying)
    return tx.scalar(select(func.count()).select_from(joined).where(*mine)) or 0


def add_review(
    tx: Transaction, parent: tuple[int, str], webhook_id: int, pull: PullRequest, state: ReviewState
) -> None:
    """Record a pull request that was not known.

    Args:
        parent: id and name of the app.
    """
    at = now()
    parent_id, parent_name = parent
    row = {
        "parent_id": parent_id,
        "parent_name": parent_name,
        "webhook_id": webhook_id,
        "number": pull.number,
        "state": state.value,
        "pull": pull.render(),
        "approved": "",
        "with_values": False,
        "lent": [],
        "created_at": at,
        "updated_at": at,
    }
    added(tx, t.review_apps, row)


def change_review(tx: Transaction, review_id: int, values: Mapping[str, object]) -> None:
    """Change columns of one; from now on it counts as news."""
    changed = update(t.review_apps).where(t.review_apps.c.id == review_id)
    tx.execute(changed.values({**values, "updated_at": now()}))


def forget_ended(tx: Transaction, before: datetime) -> int:
    """Forget what has ended and has had no news since; return how many."""
    old = t.review_apps.c.updated_at < before
    ended = (t.review_apps.c.state != ReviewState.OPEN.value, t.review_apps.c.app_id.is_(None))
    return tx.execute(delete(t.review_apps).where(old, *ended)).rowcount


def _review(row: Row[tuple[object, ...]]) -> ReviewApp:
    parsed = {"state": ReviewState(row.state), "pull": PullRequest.parse(row.pull), "lent": tuple(row.lent)}
    return ReviewApp(**{**row._mapping, **parsed})
