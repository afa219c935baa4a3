"""An app's releases looked through: there may be thousands, each with hundreds of KiB of what it contains.

So no more of them is read than is wanted; one alone, or the newest, is `stratum.store.releases`.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields

from sqlalchemy import or_, select

from stratum.model import Release, ReleaseState
from stratum.store import tables as t
from stratum.store.database import Transaction
from stratum.store.releases import RAN, read_release

LISTED = 100
_KEPT = (ReleaseState.PENDING.value, ReleaseState.LIVE.value, ReleaseState.RETIRED.value)


@dataclass(frozen=True, slots=True)
class Outline:
    """What tells releases apart."""

    id: int
    version: int
    state: ReleaseState
    cause: str
    slug: str
    config_version: int


_OUTLINE = [t.releases.c[field.name] for field in fields(Outline)]


def newest_and_kept(tx: Transaction, app_id: int) -> Iterator[Release]:
    """Read the newest, and those before them that can be gone back to or have a name; newest first.

    One by one, within the transaction: keep no more of them than is wanted.
    """
    mine = t.releases.c.app_id == app_id
    newest = select(t.releases.c.id).where(mine).order_by(t.releases.c.version.desc()).limit(LISTED)
    is_chosen = or_(t.releases.c.id.in_(newest), t.releases.c.state.in_(_KEPT), t.releases.c.name != "")
    chosen = select(t.releases).where(mine, is_chosen).order_by(t.releases.c.version.desc())
    with tx.execute(chosen) as rows:
        yield from map(read_release, rows)


def outlines(tx: Transaction, app_id: int) -> list[Outline]:
    """All of them, newest first."""
    chosen = select(*_OUTLINE).where(t.releases.c.app_id == app_id).order_by(t.releases.c.version.desc())
    return [Outline(**{**row._mapping, "state": ReleaseState(row.state)}) for row in tx.execute(chosen)]


def versions_that_ran(tx: Transaction, app_id: int) -> Collection[int]:
    """Versions of all that were live once."""
    mine = (t.releases.c.app_id == app_id, t.releases.c.state.in_([state.value for state in RAN]))
    return set(tx.scalars(select(t.releases.c.version).where(*mine)))


def version_named(tx: Transaction, app_id: int, name: str) -> int | None:
    """Version of the one that people have called so."""
    mine = (t.releases.c.app_id == app_id, t.releases.c.name == name)
    found: int | None = tx.scalar(select(t.releases.c.version).where(*mine).limit(1))
    return found


def target_names(tx: Transaction, app_id: int) -> list[str]:
    """Targets that any of them has, each once, those of the newest first."""
    chosen = select(t.releases.c.targets).where(t.releases.c.app_id == app_id)
    found = tx.scalars(chosen.order_by(t.releases.c.version.desc()))
    return list(dict.fromkeys(name for targets in found for name, _ in targets))
