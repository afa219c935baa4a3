"""Which processes are crash-looping: a row for each, as the reconciler last saw it."""

from collections.abc import Iterable
from dataclasses import asdict

from sqlalchemy import delete, func, insert, select

from stratum.model import Crash
from stratum.store import news
from stratum.store import tables as t
from stratum.store.database import Transaction

_COLUMNS = [column for column in t.crashes.c if column.name != "id"]


def crashes(tx: Transaction, app_id: int | None = None) -> list[Crash]:
    """List the crash-looping processes of all apps, or of one, by name."""
    chosen = select(*_COLUMNS).order_by(t.crashes.c.process)
    if app_id is not None:
        chosen = chosen.where(t.crashes.c.app_id == app_id)
    return [Crash(**row._mapping) for row in tx.execute(chosen)]


def crashed_apps(tx: Transaction) -> set[int]:
    """Ids of the apps of which every process that the router sends requests to is crash-looping."""
    looping = t.ports.join(t.crashes, t.crashes.c.process == t.ports.c.process, isouter=True)
    chosen = (
        select(t.ports.c.app_id)
        .select_from(looping)
        .where(t.ports.c.routed)
        .group_by(t.ports.c.app_id)
        .having(func.count() == func.count(t.crashes.c.id))
    )
    return set(tx.scalars(chosen))


def note(tx: Transaction, found: Iterable[Crash]) -> None:
    """Write down how crash-looping processes are now; one that was not is news."""
    found = list(found)
    rows = {one.process: asdict(one) for one in found}
    known = set(tx.scalars(select(t.crashes.c.process).where(t.crashes.c.process.in_(list(rows)))))
    forget(tx, rows)
    if rows:
        tx.execute(insert(t.crashes).values(list(rows.values())))
    for one in found:
        if one.process not in known:
            news.tell_crash(tx, one)


def forget(tx: Transaction, processes: Iterable[str]) -> None:
    """Remove processes that have lived for long enough, or are gone."""
    tx.execute(delete(t.crashes).where(t.crashes.c.process.in_(list(processes))))
