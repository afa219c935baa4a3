"""Messages to subscribers, and the attempts to deliver them."""

from collections.abc import Collection
from datetime import datetime
from secrets import token_hex

from sqlalchemy import Row, delete, func, select, update

from stratum.model import Attempt, Message, MessageState, NewsKind
from stratum.store import tables as t
from stratum.store.clock import now
from stratum.store.database import Transaction
from stratum.store.rows import added

MAX_WAITING = 1000  # of a subscriber; what comes then is dead at once
KEPT = 500  # of a subscriber, of those that wait no more
KEPT_ATTEMPTS = 30  # of a message: those of two rounds

_WAITING = t.messages.c.state == MessageState.WAITING.value


def add_message(tx: Transaction, subscriber_id: int, kind: NewsKind, body: str) -> Message:
    """Note what is to be sent; it is due at once, or dead where too much waits already."""
    mine = t.messages.c.subscriber_id == subscriber_id
    waiting = tx.scalar(select(func.count()).select_from(t.messages).where(mine, _WAITING)) or 0
    is_dead, at = waiting >= MAX_WAITING, now()
    row = {
        "subscriber_id": subscriber_id,
        "key": f"msg_{token_hex(16)}",
        "kind": kind.value,
        "body": body,
        "state": (MessageState.DEAD if is_dead else MessageState.WAITING).value,
        "attempts": 0,
        "due_at": at,
        "created_at": at,
        "finished_at": at if is_dead else None,
    }
    made = get_message(tx, added(tx, t.messages, row))
    _prune(tx, subscriber_id)
    return made


def get_message(tx: Transaction, message_id: int) -> Message:
    """Find by id; it must exist."""
    return _message(tx.execute(select(t.messages).where(t.messages.c.id == message_id)).one())


def find_message(tx: Transaction, subscriber_id: int, key: str) -> Message | None:
    """Find by what the subscriber knows it as."""
    mine = (t.messages.c.subscriber_id == subscriber_id, t.messages.c.key == key)
    row = tx.execute(select(t.messages).where(*mine)).one_or_none()
    return None if row is None else _message(row)


def list_messages(
    tx: Transaction, subscriber_id: int, state: MessageState | None = None, limit: int = 100
) -> list[Message]:
    """Newest first, in one state or in all."""
    chosen = select(t.messages).where(t.messages.c.subscriber_id == subscriber_id)
    if state is not None:
        chosen = chosen.where(t.messages.c.state == state.value)
    return [_message(row) for row in tx.execute(chosen.order_by(t.messages.c.id.desc()).limit(limit))]


def counts(tx: Transaction, subscriber_id: int) -> dict[MessageState, int]:
    """How many messages are in each state."""
    mine = t.messages.c.subscriber_id == subscriber_id
    chosen = select(t.messages.c.state, func.count()).where(mine).group_by(t.messages.c.state)
    found = {row[0]: row[1] for row in tx.execute(chosen)}
    return {state: found.get(state.value, 0) for state in MessageState}


def next_due(tx: Transaction) -> datetime | None:
    """When the next attempt of any message is due; None where none waits."""
    found: datetime | None = tx.scalar(select(func.min(t.messages.c.due_at)).where(_WAITING))
    return found


def due(tx: Transaction, at: datetime, but: Collection[int] = ()) -> list[Message]:
    """Return the oldest message that is due of each subscriber, those first that have waited longest.

    Args:
        but: ids of subscribers whose messages are left out.
    """
    oldest = (
        select(func.min(t.messages.c.id))
        .where(_WAITING, t.messages.c.due_at <= at, t.messages.c.subscriber_id.not_in(list(but)))
        .group_by(t.messages.c.subscriber_id)
    )
    chosen = select(t.messages).where(t.messages.c.id.in_(oldest)).order_by(t.messages.c.due_at)
    return [_message(row) for row in tx.execute(chosen)]


def begin(tx: Transaction, message: Message, due_at: datetime) -> bool:
    """Count an attempt that begins now; False when somebody else has begun one, or it waits no more.

    Args:
        due_at: when to try again should nobody say how this one ended.
    """
    values = {"attempts": message.attempts + 1, "due_at": due_at}
    return tx.execute(_as_it_was(message).values(values)).rowcount == 1


def record(tx: Transaction, message: Message, attempt: Attempt, again_at: datetime | None) -> None:
    """Note how an attempt ended.

    Args:
        message: as it was before the attempt.
        again_at: when to try again; None: not by itself.
    """
    row = {
        "message_id": message.id,
        **{name: getattr(attempt, name) for name in Attempt.__dataclass_fields__},
    }
    values: dict[str, object] = {"due_at": again_at}
    if again_at is None:
        state = MessageState.DEAD if attempt.error else MessageState.DELIVERED
        values = {"state": state.value, "finished_at": now()}
    if tx.execute(select(t.messages.c.id).where(t.messages.c.id == message.id)).one_or_none() is None:
        return  # its subscriber was removed meanwhile
    added(tx, t.attempts, row)
    begun = t.messages.c.attempts == message.attempts + 1
    tx.execute(update(t.messages).where(t.messages.c.id == message.id, _WAITING, begun).values(values))
    _keep_newest(tx, t.attempts, t.attempts.c.message_id == message.id, KEPT_ATTEMPTS)


def replay(tx: Transaction, message: Message) -> None:
    """Have a message delivered once more, with all the patience that a new one gets."""
    values = {"state": MessageState.WAITING.value, "attempts": 0, "due_at": now(), "finished_at": None}
    tx.execute(update(t.messages).where(t.messages.c.id == message.id).values(values))


def give_up(tx: Transaction, subscriber_id: int) -> None:
    """Have what waits for a subscriber wait no more."""
    mine = (t.messages.c.subscriber_id == subscriber_id, _WAITING)
    values = {"state": MessageState.DEAD.value, "finished_at": now()}
    tx.execute(update(t.messages).where(*mine).values(values))


def attempts_of(tx: Transaction, message_id: int) -> list[Attempt]:
    """Return the attempts to deliver a message, oldest first."""
    chosen = select(t.attempts).where(t.attempts.c.message_id == message_id).order_by(t.attempts.c.id)
    names = Attempt.__dataclass_fields__
    return [Attempt(**{name: getattr(row, name) for name in names}) for row in tx.execute(chosen)]


def _as_it_was(message: Message):  # type: ignore[no-untyped-def]  # SQLAlchemy's Update is generic in nothing useful here
    same = (t.messages.c.id == message.id, t.messages.c.attempts == message.attempts)
    return update(t.messages).where(*same, _WAITING)


def _prune(tx: Transaction, subscriber_id: int) -> None:
    _keep_newest(tx, t.messages, (t.messages.c.subscriber_id == subscriber_id) & ~_WAITING, KEPT)


def _keep_newest(tx: Transaction, table, mine, count: int) -> None:  # type: ignore[no-untyped-def]  # column expressions
    oldest = select(table.c.id).where(mine).order_by(table.c.id.desc()).offset(count).limit(1)
    tx.execute(delete(table).where(mine, table.c.id <= oldest.scalar_subquery()))


def _message(row: Row[tuple[object, ...]]) -> Message:
    values = {name: getattr(row, name) for name in Message.__dataclass_fields__}
    return Message(**{**values, "kind": NewsKind(row.kind), "state": MessageState(row.state)})
