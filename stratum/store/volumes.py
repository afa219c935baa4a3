"""Volumes: which folders an app has that outlive its releases. Where they are mounted, releases say."""

from sqlalchemy import Row, delete, func, select, update

from stratum.model import ReleaseState, Volume
from stratum.store import tables as t
from stratum.store.clock import now
from stratum.store.database import Transaction
from stratum.store.rows import added


def add_volume(tx: Transaction, app_id: int, name: str, path: str = "") -> Volume:
    """Record a volume; nobody else may have the name, in whatever case (`find_volume`)."""
    row = {"app_id": app_id, "name": name, "path": path, "created_at": now()}
    key = added(tx, t.volumes, row)
    return _volume(tx.execute(select(t.volumes).where(t.volumes.c.id == key)).one())


def list_volumes(tx: Transaction, app_id: int) -> list[Volume]:
    """Return all of an app, by name."""
    chosen = select(t.volumes).where(t.volumes.c.app_id == app_id).order_by(func.lower(t.volumes.c.name))
    return [_volume(row) for row in tx.execute(chosen)]


def find_volume(tx: Transaction, app_id: int, name: str) -> Volume | None:
    """Find by name without regard to case."""
    mine = (t.volumes.c.app_id == app_id, func.lower(t.volumes.c.name) == name.lower())
    row = tx.execute(select(t.volumes).where(*mine)).one_or_none()
    return None if row is None else _volume(row)


def set_first_path(tx: Transaction, volume_id: int, path: str) -> None:
    """Say where the first release is to have a volume; empty for nowhere."""
    tx.execute(update(t.volumes).where(t.volumes.c.id == volume_id).values(path=path))


def mark_destroying(tx: Transaction, volume_id: int) -> None:
    """Keep a volume from being mounted any more: its data is about to be removed."""
    tx.execute(update(t.volumes).where(t.volumes.c.id == volume_id).values(destroying=True))


def remove_volume(tx: Transaction, volume_id: int) -> None:
    """Forget a volume whose data is gone."""
    tx.execute(delete(t.volumes).where(t.volumes.c.id == volume_id))


def mounted_by(tx: Transaction, volume: Volume) -> list[int]:
    """Versions of the releases that run with a volume, or are to: live, pending and staying ones."""
    states = (ReleaseState.PENDING.value, ReleaseState.LIVE.value)
    runs = t.releases.c.state.in_(states) | t.releases.c.staying
    chosen = select(t.releases.c.version, t.releases.c.mounts).where(
        t.releases.c.app_id == volume.app_id, runs
    )
    rows = tx.execute(chosen.order_by(t.releases.c.version))
    return [row.version for row in rows if volume.name in row.mounts]


def _volume(row: Row[tuple[object, ...]]) -> Volume:
    return Volume(**{name: getattr(row, name) for name in Volume.__dataclass_fields__})
