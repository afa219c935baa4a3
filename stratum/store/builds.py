"""Builds: FIFO per app, one running per app, claimed by lease and fencing number."""

from dataclasses import asdict

from sqlalchemy import Row, func, select, update

from stratum.model import NO_OPTIONS, Build, BuildOptions, BuildState, Target
from stratum.store import tables as t
from stratum.store.clock import in_seconds, now
from stratum.store.database import Transaction
from stratum.store.rows import added

LEASE_S = 30.0
MAX_ATTEMPTS = 3


def add_build(
    tx: Transaction,
    app_id: int,
    commit: str,
    *,
    source: str,
    who: str,
    push_id: int | None = None,
    options: BuildOptions = NO_OPTIONS,
    gate: str = "",
) -> Build:
    """Queue a build under the app's next number."""
    last = tx.scalar(select(func.max(t.builds.c.number)).where(t.builds.c.app_id == app_id)) or 0
    row = {"app_id": app_id, "number": last + 1, "push_id": push_id, "commit": commit, "source": source}
    values = {"who": who, "state": BuildState.QUEUED.value, "created_at": now(), **row}
    values |= {"options": asdict(options), "gate": gate}
    return get_build(tx, added(tx, t.builds, values))


def get_build(tx: Transaction, build_id: int) -> Build:
    """Find by id; it must exist."""
    return _build(tx.execute(select(t.builds).where(t.builds.c.id == build_id)).one())


def find_build(tx: Transaction, app_id: int, number: int) -> Build | None:
    """Find by the number people use."""
    return _one(tx, t.builds.c.app_id == app_id, t.builds.c.number == number)


def build_of_push(tx: Transaction, push_id: int) -> Build | None:
    """The one build of a push."""
    return _one(tx, t.builds.c.push_id == push_id)


def list_builds(tx: Transaction, app_id: int, limit: int = 100) -> list[Build]:
    """Newest first."""
    chosen = (
        select(t.builds).where(t.builds.c.app_id == app_id).order_by(t.builds.c.number.desc()).limit(limit)
    )
    return [_build(row) for row in tx.execute(chosen)]


def claim_next(tx: Transaction, app_id: int, owner: str) -> Build | None:
    """Take the app's oldest queued build; None while one is running, or none is queued.

    The fencing number rises with each claim: a builder that lost its lease can record nothing.
    """
    if _one(tx, t.builds.c.app_id == app_id, t.builds.c.state == BuildState.RUNNING.value):
        return None
    queued = (t.builds.c.app_id == app_id, t.builds.c.state == BuildState.QUEUED.value)
    row = tx.execute(select(t.builds).where(*queued).order_by(t.builds.c.number).limit(1)).one_or_none()
    if row is None:
        return None
    claim = {
        "owner": owner,
        "lease_until": in_seconds(LEASE_S),
        "fence": row.fence + 1,
        "attempt": row.attempt + 1,
    }
    tx.execute(
        update(t.builds).where(t.builds.c.id == row.id).values(state=BuildState.RUNNING.value, **claim)
    )
    return get_build(tx, row.id)


def renew(tx: Transaction, build: Build) -> bool:
    """Prolong the lease; False when it has been lost to somebody else."""
    return tx.execute(_held(build).values(lease_until=in_seconds(LEASE_S))).rowcount == 1


def finish(
    tx: Transaction, build: Build, state: BuildState, *, error: str = "", release_id: int | None = None
) -> bool:
    """Record the end of a held build; False when the lease has been lost, and nothing is recorded."""
    values = {"state": state.value, "error": error, "release_id": release_id, "finished_at": now()}
    return tx.execute(_held(build).values(lease_until=None, owner="", **values)).rowcount == 1


def give_back(tx: Transaction, build: Build) -> bool:
    """Queue a build whose builder is gone again, under a new fencing number."""
    values = {"state": BuildState.QUEUED.value, "owner": "", "lease_until": None, "fence": build.fence + 1}
    return tx.execute(_held(build).values(values)).rowcount == 1


def in_state(tx: Transaction, *states: BuildState) -> list[Build]:
    """All builds in any of the states, oldest first."""
    names = [state.value for state in states]
    chosen = select(t.builds).where(t.builds.c.state.in_(names)).order_by(t.builds.c.id)
    return [_build(row) for row in tx.execute(chosen)]


def _held(build: Build):  # type: ignore[no-untyped-def]  # SQLAlchemy's Update is generic in nothing useful here
    held = (t.builds.c.id == build.id, t.builds.c.fence == build.fence)
    return update(t.builds).where(*held, t.builds.c.state == BuildState.RUNNING.value)


def _one(tx: Transaction, *conditions) -> Build | None:  # type: ignore[no-untyped-def]  # column expressions
    row = tx.execute(select(t.builds).where(*conditions)).one_or_none()
    return None if row is None else _build(row)


def _build(row: Row[tuple[object, ...]]) -> Build:
    values = {name: getattr(row, name) for name in Build.__dataclass_fields__}
    parsed = {
        "state": BuildState(row.state),
        "options": BuildOptions(**row.options),
        "targets": tuple(Target(name, command) for name, command in row.targets),
    }
    return Build(**{**values, **parsed})
