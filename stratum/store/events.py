"""What became of processes: the newest changes of each app, and up to where its engine's file has been read.

Whoever reads that file moves its mark in the transaction that adds what it has read, and a number is added
once: so no change is lost and none is there twice, whichever part of ours is killed when.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import Row, delete, exists, func, insert, select

from stratum.events import Event, Kind
from stratum.store import tables as t
from stratum.store.database import Transaction
from stratum.trail import Place

KEPT = 5_000  # of an app
KEPT_S = 30 * 24 * 3600

_FIELDS = [field.name for field in fields(Event)]
_COLUMNS = [t.events.c[name] for name in _FIELDS]


@dataclass(frozen=True, slots=True)
class Read:
    """Some changes of an app's processes, and the place in the file after them."""

    app_id: int
    found: Sequence[Event]
    place: Place


def record(tx: Transaction, reads: Sequence[Read]) -> None:
    """Add what was read, oldest first; of an app that is gone, nothing."""
    places = {one.app_id: str(one.place) for one in reads}
    there = set(tx.scalars(select(t.apps.c.id).where(t.apps.c.id.in_(list(places)))))
    rows = [_values(one.app_id, event) for one in reads if one.app_id in there for event in one.found]
    if rows:
        tx.execute(insert(t.events).prefix_with("OR IGNORE"), rows)
    if there:
        tx.execute(delete(t.event_marks).where(t.event_marks.c.app_id.in_(list(there))))
        tx.execute(insert(t.event_marks), [{"app_id": one, "place": places[one]} for one in there])


def places(tx: Transaction, app_ids: Collection[int]) -> dict[int, Place]:
    """App id → up to where its file has been read, of those of which something has."""
    chosen = select(t.event_marks).where(t.event_marks.c.app_id.in_(list(app_ids)))
    return {row.app_id: Place.parse(row.place) for row in tx.execute(chosen)}


def newest(tx: Transaction, app_id: int) -> int:
    """Return the highest number of an app, or 0."""
    return tx.scalar(select(func.max(t.events.c.number)).where(t.events.c.app_id == app_id)) or 0


def last(tx: Transaction, app_id: int, count: int, target: str | None = None) -> list[Event]:
    """Return the newest of an app, or of one target of it, oldest first."""
    chosen = _of(app_id, target).order_by(t.events.c.number.desc()).limit(count)
    return [_event(row) for row in tx.execute(chosen)][::-1]


def after(tx: Transaction, app_id: int, number: int, target: str | None = None) -> list[Event]:
    """Return what came after the change of a number, oldest first."""
    chosen = _of(app_id, target).where(t.events.c.number > number).order_by(t.events.c.number)
    return [_event(row) for row in tx.execute(chosen)]


def surplus(tx: Transaction, app_ids: Collection[int]) -> dict[int, int]:
    """App id → the highest number that is kept no more, of those that have too many."""
    found = {
        one: tx.scalar(
            select(t.events.c.number)
            .where(t.events.c.app_id == one)
            .order_by(t.events.c.number.desc())
            .offset(KEPT)
            .limit(1)
        )
        for one in app_ids
    }
    return {app_id: number for app_id, number in found.items() if number is not None}


def forget(tx: Transaction, upto: dict[int, int]) -> None:
    """Remove an app's changes up to a number, of each app."""
    for app_id, number in upto.items():
        tx.execute(delete(t.events).where(t.events.c.app_id == app_id, t.events.c.number <= number))


def has_older(tx: Transaction, number: int) -> bool:
    """Whether there are changes of lower numbers, of whichever app."""
    is_older = exists().where(t.events.c.app_id == t.apps.c.id, t.events.c.number < number)
    return tx.scalar(select(t.apps.c.id).where(is_older).limit(1)) is not None


def forget_older(tx: Transaction, number: int) -> None:
    """Remove the changes of lower numbers of all apps."""
    everybody = t.events.c.app_id.in_(select(t.apps.c.id))  # each found by the key, which begins with it
    tx.execute(delete(t.events).where(everybody, t.events.c.number < number))


def _of(app_id: int, target: str | None):  # type: ignore[no-untyped-def]  # a Select of columns
    chosen = select(*_COLUMNS).where(t.events.c.app_id == app_id)
    return chosen if target is None else chosen.where(t.events.c.target == target)


def _values(app_id: int, event: Event) -> dict[str, object]:
    values = {name: getattr(event, name) for name in _FIELDS}  # a tenth of what `asdict` takes
    return {**values, "kind": event.kind.value, "app_id": app_id, "target": event.target}


def _event(row: Row[tuple[object, ...]]) -> Event:
    return Event(**{**row._mapping, "kind": Kind(row.kind)})
