"""Who is told the news of apps."""

from collections.abc import Collection, Sequence

from sqlalchemy import Row, delete, select, update
from sqlalchemy.exc import IntegrityError

from stratum.errors import AlreadyExists
from stratum.model import Channel, Subscriber
from stratum.store import tables as t
from stratum.store.clock import now
from stratum.store.database import Transaction
from stratum.store.rows import added


def add_subscriber(
    tx: Transaction,
    app_id: int,
    name: str,
    *,
    channel: Channel,
    kinds: Sequence[str],
    shown: str,
    sealed: bytes,
    who: str,
) -> Subscriber:
    """Add one.

    Raises:
        AlreadyExists: the app has one with that name, in whatever case.
    """
    row = {"app_id": app_id, "name": name, "name_key": name.lower(), "channel": channel.value}
    values = {**row, "kinds": list(kinds), "shown": shown, "sealed": sealed, "stopped": "", "who": who}
    try:
        key = added(tx, t.subscribers, {**values, "created_at": now()})
    except IntegrityError as error:
        raise AlreadyExists("notification", name) from error
    return get_subscriber(tx, key)


def get_subscriber(tx: Transaction, subscriber_id: int) -> Subscriber:
    """Find by id; it must exist."""
    return _subscriber(tx.execute(select(t.subscribers).where(t.subscribers.c.id == subscriber_id)).one())


def find_subscriber(tx: Transaction, app_id: int, name: str) -> Subscriber | None:
    """Find by name without regard to case."""
    mine = (t.subscribers.c.app_id == app_id, t.subscribers.c.name_key == name.lower())
    row = tx.execute(select(t.subscribers).where(*mine)).one_or_none()
    return None if row is None else _subscriber(row)


def subscribers_of(tx: Transaction, app_ids: Collection[int]) -> list[Subscriber]:
    """Return those of some apps, by name."""
    chosen = select(t.subscribers).where(t.subscribers.c.app_id.in_(list(app_ids)))
    return [_subscriber(row) for row in tx.execute(chosen.order_by(t.subscribers.c.name_key))]


def stop(tx: Transaction, subscriber_id: int, reason: str) -> None:
    """Have one told nothing any more, or again: with an empty reason."""
    tx.execute(update(t.subscribers).where(t.subscribers.c.id == subscriber_id).values(stopped=reason))


def reseal(tx: Transaction, subscriber_id: int, sealed: bytes) -> None:
    """Replace where one is told, and with which secrets."""
    tx.execute(update(t.subscribers).where(t.subscribers.c.id == subscriber_id).values(sealed=sealed))


def remove_subscriber(tx: Transaction, subscriber_id: int) -> None:
    """Remove one with all its messages."""
    tx.execute(delete(t.subscribers).where(t.subscribers.c.id == subscriber_id))


def _subscriber(row: Row[tuple[object, ...]]) -> Subscriber:
    values = {name: getattr(row, name) for name in Subscriber.__dataclass_fields__}
    return Subscriber(**{**values, "channel": Channel(row.channel), "kinds": tuple(row.kinds)})
