"""What web hooks have delivered: a record of each, so that nothing goes unseen, and none for ever.

Of a web hook the newest KEPT are kept, of those that were refused REFUSED_KEPT, since anybody who knows the
address may cause them; and the bodies of the newest BODIES_KEPT. What is still to be fetched always is.
"""

from collections.abc import Collection
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, delete, func, null, or_, select, update

from stratum.model import DeliveryState, NewDelivery, PullRequest, RecordedDelivery
from stratum.store import statuses
from stratum.store import tables as t
from stratum.store.clock import now
from stratum.store.database import Transaction
from stratum.store.rows import added

KEPT, REFUSED_KEPT, BODIES_KEPT = 500, 20, 50
PRUNE_EVERY = 20  # deliveries, of whichever web hooks: then all of these are pruned

_COLUMNS = [t.deliveries.c[field.name] for field in fields(RecordedDelivery)]
_IS_QUEUED = t.deliveries.c.state == DeliveryState.QUEUED.value
_WHOSE = func.coalesce(t.deliveries.c.build_app_id, t.deliveries.c.app_id)
_STANDING = (DeliveryState.QUEUED.value, DeliveryState.PUSHED.value, DeliveryState.DONE.value)


def record(tx: Transaction, app_id: int, webhook_id: int, new: NewDelivery) -> int:
    """Record a delivery; return its number."""
    at = now()
    values = {
        **asdict(new),
        "headers": dict(new.headers),
        "body": new.body or None,
        "pull": new.pull.render() if new.pull else null(),
        "app_id": app_id,
        "webhook_id": webhook_id,
        "build_app_id": None if new.build is None else new.build_app_id or app_id,
        "received_at": at,
        "ended_at": None if new.state is DeliveryState.QUEUED else at,
        "repeats": 0,
        "attempts": 0,
    }
    number = added(tx, t.deliveries, values)
    if new.state is DeliveryState.FAILED:
        statuses.note_delivery(tx, number)
    if number % PRUNE_EVERY == 0:
        last = t.deliveries.c.id > number - PRUNE_EVERY
        for one in list(tx.scalars(select(t.deliveries.c.webhook_id).where(last).distinct())):
            _prune(tx, one)
    return number


def standing(tx: Transaction, webhook_id: int, delivery_id: str) -> RecordedDelivery | None:
    """Find an earlier delivery of the sender's id that is being done or was; note that it came again."""
    if not delivery_id:
        return None
    same = (t.deliveries.c.webhook_id == webhook_id, t.deliveries.c.delivery_id == delivery_id)
    chosen = select(*_COLUMNS).where(*same, t.deliveries.c.state.in_(_STANDING))
    row = tx.execute(chosen.order_by(t.deliveries.c.id.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    again = update(t.deliveries).where(t.deliveries.c.id == row.id)
    tx.execute(again.values(repeats=t.deliveries.c.repeats + 1))
    return _delivery(row)


def get_delivery(tx: Transaction, app_id: int, number: int) -> RecordedDelivery | None:
    """Find one of an app."""
    mine = (t.deliveries.c.app_id == app_id, t.deliveries.c.id == number)
    row = tx.execute(select(*_COLUMNS).where(*mine)).one_or_none()
    return None if row is None else _delivery(row)


def newest_of_build(tx: Transaction, app_id: int, build: int) -> int | None:
    """Return the number of the delivery that an app's build was reserved for; None when it is not kept."""
    mine = (t.deliveries.c.build_app_id == app_id, t.deliveries.c.build == build)
    found: int | None = tx.scalar(select(func.max(t.deliveries.c.id)).where(*mine))
    return found


def body_of(tx: Transaction, number: int) -> bytes:
    """Return the body of one; empty when it is not kept."""
    found: bytes | None = tx.scalar(select(t.deliveries.c.body).where(t.deliveries.c.id == number))
    return found or b""


def list_deliveries(tx: Transaction, app_id: int, most: int) -> list[RecordedDelivery]:
    """Return the newest of an app, newest first."""
    chosen = select(*_COLUMNS).where(t.deliveries.c.app_id == app_id).order_by(t.deliveries.c.id.desc())
    return [_delivery(row) for row in tx.execute(chosen.limit(most))]


def queued(tx: Transaction, app_id: int | None = None, *, due: bool = True) -> list[RecordedDelivery]:
    """Return what is to be fetched, of all apps or of one, oldest first.

    Args:
        due: leave out what is to wait before it is tried again.
    """
    chosen = select(*_COLUMNS).where(_IS_QUEUED)
    if app_id is not None:
        chosen = chosen.where(t.deliveries.c.app_id == app_id)
    if due:
        chosen = chosen.where(or_(t.deliveries.c.next_at.is_(None), t.deliveries.c.next_at <= now()))
    return [_delivery(row) for row in tx.execute(chosen.order_by(t.deliveries.c.id))]


def end(
    tx: Transaction, number: int, state: DeliveryState, reason: str = "", build: int | None = None
) -> None:
    """Say what has become of one that is queued.

    Args:
        build: number of what it has led to; None: of what was reserved for it.
    """
    values = _ended(state, reason) | ({} if build is None else {"build": build, "build_app_id": _WHOSE})
    if tx.execute(update(t.deliveries).where(*_queued(number)).values(values)).rowcount:
        statuses.note_delivery(tx, number)


def end_of_build(tx: Transaction, app_id: int, build: int, reason: str) -> None:
    """End one that is queued, as its build, of whichever app, was given up."""
    mine = (t.deliveries.c.build_app_id == app_id, t.deliveries.c.build == build, _IS_QUEUED)
    for number in list(tx.scalars(select(t.deliveries.c.id).where(*mine))):
        end(tx, number, DeliveryState.FAILED, reason)


def give_build(tx: Transaction, number: int, app_id: int, build: int) -> None:
    """Say which build one leads to that was recorded without, and of which app that is."""
    given = {"build": build, "build_app_id": app_id}
    tx.execute(update(t.deliveries).where(*_queued(number)).values(given))


def put_off(tx: Transaction, number: int, reason: str, until: datetime) -> None:
    """Have one that is queued tried again later; it has been tried once more."""
    chosen = update(t.deliveries).where(*_queued(number))
    tx.execute(chosen.values(reason=reason, next_at=until, attempts=t.deliveries.c.attempts + 1))


def hold(tx: Transaction, number: int, reason: str, until: datetime) -> None:
    """Have one that is queued looked at again later; it has not been tried."""
    tx.execute(update(t.deliveries).where(*_queued(number)).values(reason=reason, next_at=until))


def wake(tx: Transaction, webhook_id: int, commits: Collection[str]) -> int:
    """Have looked at now what waits for the checks of some commits; how many these are."""
    waits = select(t.upstreams.c.webhook_id).where(t.upstreams.c.wait_for_ci)
    mine = (t.deliveries.c.webhook_id == webhook_id, t.deliveries.c.webhook_id.in_(waits))
    held = (t.deliveries.c.state == DeliveryState.QUEUED.value, t.deliveries.c.next_at.is_not(None))
    those = t.deliveries.c.commit.in_(list(commits))
    return tx.execute(update(t.deliveries).where(*mine, *held, those).values(next_at=None)).rowcount


def _ended(state: DeliveryState, reason: str) -> dict[str, object]:
    return {"state": state.value, "reason": reason, "ended_at": now(), "next_at": None}


def _queued(number: int) -> tuple[ColumnElement[bool], ...]:
    return t.deliveries.c.id == number, _IS_QUEUED


def _prune(tx: Transaction, webhook_id: int) -> None:
    mine, ended = t.deliveries.c.webhook_id == webhook_id, t.deliveries.c.state != DeliveryState.QUEUED.value
    refused = t.deliveries.c.state == DeliveryState.REFUSED.value
    for kind, most in ((~refused, KEPT), (refused, REFUSED_KEPT)):
        old = ~t.deliveries.c.id.in_(_newest(mine, kind).limit(most))
        tx.execute(delete(t.deliveries).where(mine, kind, ended, old))
    old = ~t.deliveries.c.id.in_(_newest(mine).limit(BODIES_KEPT))
    tx.execute(update(t.deliveries).where(mine, ended, old).values(body=None))


def _newest(*where: ColumnElement[bool]) -> Select[int]:
    return select(t.deliveries.c.id).where(*where).order_by(t.deliveries.c.id.desc())


def _delivery(row: Row[tuple[object, ...]]) -> RecordedDelivery:
    pull = PullRequest.parse(row.pull) if row.pull else None
    return RecordedDelivery(**{**row._mapping, "state": DeliveryState(row.state), "pull": pull})
