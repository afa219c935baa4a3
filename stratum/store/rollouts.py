"""Rollouts: FIFO per app, one running per app, claimed by lease and fencing number."""

from collections.abc import Iterable, Mapping
from dataclasses import fields

from sqlalchemy import Row, func, select, update

from stratum.model import Outcome, ReportLine, Rollout, RolloutState
from stratum.store import news
from stratum.store import tables as t
from stratum.store.clock import in_seconds, now
from stratum.store.database import Transaction
from stratum.store.rows import added

_LINE = tuple(field.name for field in fields(ReportLine))
LEASE_S = 30.0
MAX_ATTEMPTS = 5
BUSY = (RolloutState.RUNNING.value, RolloutState.LIVE.value)


def add_rollout(
    tx: Transaction,
    app_id: int,
    *,
    cause: str,
    who: str,
    release_id: int | None = None,
    build_id: int | None = None,
    formation_before: Mapping[str, int] | None = None,
    resumed: Iterable[str] = (),
) -> Rollout:
    """Queue a rollout: of a release, or (release_id None) of the changed formation."""
    last = tx.scalar(select(func.max(t.rollouts.c.number)).where(t.rollouts.c.app_id == app_id)) or 0
    row: dict[str, object] = {
        "app_id": app_id,
        "number": last + 1,
        "release_id": release_id,
        "build_id": build_id,
        "cause": cause,
        "who": who,
        "state": RolloutState.QUEUED.value,
        "formation_before": dict(formation_before or {}),
        "resumed": list(resumed),
        "report": [],
        "created_at": now(),
    }
    return get_rollout(tx, added(tx, t.rollouts, row))


def get_rollout(tx: Transaction, rollout_id: int) -> Rollout:
    """Find by id; it must exist."""
    return _rollout(tx.execute(select(t.rollouts).where(t.rollouts.c.id == rollout_id)).one())


def find_rollout(tx: Transaction, app_id: int, number: int) -> Rollout | None:
    """Find by the number people use."""
    return _one(tx, t.rollouts.c.app_id == app_id, t.rollouts.c.number == number)


def failed_processes(tx: Transaction, app_id: int) -> list[str]:
    """Name what did not come up, if the app's newest rollout has failed."""
    mine = select(t.rollouts).where(t.rollouts.c.app_id == app_id)
    row = tx.execute(mine.order_by(t.rollouts.c.number.desc()).limit(1)).one_or_none()
    if row is None or row.state != RolloutState.FAILED.value:
        return []
    return [line.name for line in _rollout(row).report if line.outcome is Outcome.FAILED]


def rollout_of_build(tx: Transaction, build_id: int) -> Rollout | None:
    """The rollout that a build's release caused."""
    return _one(tx, t.rollouts.c.build_id == build_id)


def rollout_of_release(tx: Transaction, release_id: int) -> Rollout | None:
    """The rollout that was to bring a release."""
    return _one(tx, t.rollouts.c.release_id == release_id)


def claim_next(tx: Transaction, app_id: int, owner: str) -> Rollout | None:
    """Take the app's oldest queued rollout; None while one is under way, or none is queued."""
    mine = t.rollouts.c.app_id == app_id
    if tx.execute(select(t.rollouts.c.id).where(mine, t.rollouts.c.state.in_(BUSY)).limit(1)).one_or_none():
        return None
    queued = select(t.rollouts).where(mine, t.rollouts.c.state == RolloutState.QUEUED.value)
    row = tx.execute(queued.order_by(t.rollouts.c.number).limit(1)).one_or_none()
    if row is None:
        return None
    claim = {
        "owner": owner,
        "lease_until": in_seconds(LEASE_S),
        "fence": row.fence + 1,
        "attempt": row.attempt + 1,
    }
    tx.execute(
        update(t.rollouts).where(t.rollouts.c.id == row.id).values(state=RolloutState.RUNNING.value, **claim)
    )
    return get_rollout(tx, row.id)


def renew(tx: Transaction, rollout: Rollout) -> bool:
    """Prolong the lease; False when it has been lost to somebody else."""
    return tx.execute(_held(rollout).values(lease_until=in_seconds(LEASE_S))).rowcount == 1


def record(
    tx: Transaction, rollout: Rollout, state: RolloutState, report: Iterable[ReportLine], error: str = ""
) -> bool:
    """Record progress or the end of a held rollout; False when the lease has been lost."""
    values: dict[str, object] = {"state": state.value, "report": _rows(report)}
    if state is RolloutState.LIVE:
        values["was_live"] = True
    if state in (RolloutState.SUCCEEDED, RolloutState.FAILED):
        values |= {"lease_until": None, "owner": "", "finished_at": now()}
    is_held = tx.execute(_held(rollout).values(error=error, **values)).rowcount == 1
    if is_held:
        news.tell_rollout(tx, rollout, state, error)
    return is_held


def note(tx: Transaction, rollout: Rollout, report: Iterable[ReportLine]) -> bool:
    """Record what a held rollout has done so far; False when the lease has been lost."""
    return tx.execute(_held(rollout).values(report=_rows(report))).rowcount == 1


def give_back(tx: Transaction, rollout: Rollout) -> bool:
    """Queue a rollout whose applier is gone again, under a new fencing number."""
    values = {
        "state": RolloutState.QUEUED.value,
        "owner": "",
        "lease_until": None,
        "fence": rollout.fence + 1,
    }
    return tx.execute(_held(rollout).values(values)).rowcount == 1


def queued_behind(tx: Transaction, rollout: Rollout) -> list[Rollout]:
    """The app's queued rollouts that are newer than this one, oldest first."""
    return [
        other
        for other in in_state(tx, RolloutState.QUEUED)
        if other.app_id == rollout.app_id and other.number > rollout.number
    ]


def set_formation_before(tx: Transaction, rollout: Rollout, scales: Mapping[str, int]) -> None:
    """Change what a queued rollout puts back should it fail."""
    mine = t.rollouts.c.id == rollout.id
    tx.execute(update(t.rollouts).where(mine).values(formation_before=dict(scales)))


def count_queued(tx: Transaction, app_id: int) -> int:
    """Count the rollouts of an app that wait for an applier."""
    mine = (t.rollouts.c.app_id == app_id, t.rollouts.c.state == RolloutState.QUEUED.value)
    return tx.scalar(select(func.count()).select_from(t.rollouts).where(*mine)) or 0


def in_state(tx: Transaction, *states: RolloutState) -> list[Rollout]:
    """All rollouts in any of the states, oldest first."""
    names = [state.value for state in states]
    chosen = select(t.rollouts).where(t.rollouts.c.state.in_(names)).order_by(t.rollouts.c.id)
    return [_rollout(row) for row in tx.execute(chosen)]


def _rows(report: Iterable[ReportLine]) -> list[dict[str, object]]:
    """Take lines apart; of 200 this takes 0.2 ms, and `asdict`, which copies all, 6 within a transaction."""
    return [{name: getattr(line, name) for name in _LINE} for line in report]


def _held(rollout: Rollout):  # type: ignore[no-untyped-def]  # SQLAlchemy's Update is generic in nothing useful here
    held = (t.rollouts.c.id == rollout.id, t.rollouts.c.fence == rollout.fence)
    return update(t.rollouts).where(*held, t.rollouts.c.state.in_(BUSY))


def _one(tx: Transaction, *conditions) -> Rollout | None:  # type: ignore[no-untyped-def]  # column expressions
    row = tx.execute(select(t.rollouts).where(*conditions)).one_or_none()
    return None if row is None else _rollout(row)


def _rollout(row: Row[tuple[object, ...]]) -> Rollout:
    values = {name: getattr(row, name) for name in Rollout.__dataclass_fields__}
    report = tuple(
        ReportLine(**{**line, "outcome": Outcome(line["outcome"]), "output": tuple(line["output"])})
        for line in row.report
    )
    parsed = {"state": RolloutState(row.state), "report": report, "resumed": tuple(row.resumed)}
    return Rollout(**{**values, **parsed})
