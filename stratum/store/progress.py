"""How far builds and rollouts are, for all who follow them at once."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import BindParameter, Row, bindparam, select

from stratum.model import BuildState, RolloutState
from stratum.store import tables as t
from stratum.store.database import Transaction

_QUEUED, _RUNNING = BuildState.QUEUED.value, BuildState.RUNNING.value
_IDS: BindParameter[int] = bindparam("ids", expanding=True)

# Built once: while anything is followed these are asked at every change of the database.
_BUILDS = (
    select(
        t.builds.c.id,
        t.builds.c.app_id,
        t.builds.c.number,
        t.builds.c.state,
        t.builds.c.superseded_by,
        t.builds.c.slug,
        t.rollouts.c.state.label("rollout"),
    )
    .join_from(t.builds, t.rollouts, t.rollouts.c.build_id == t.builds.c.id, isouter=True)
    .where(t.builds.c.id.in_(_IDS))
)
_LINE = (
    select(t.builds.c.app_id, t.builds.c.number, t.builds.c.state)
    .where(t.builds.c.state.in_([_QUEUED, _RUNNING]))
    .order_by(t.builds.c.app_id, t.builds.c.number)
)
_ROLLOUTS = select(t.rollouts.c.id, t.rollouts.c.state, t.rollouts.c.finished_at).where(
    t.rollouts.c.id.in_(_IDS)
)


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """A build as its followers see it.

    Attributes:
        rollout: of what it released; None as long as there is none.
        is_held: it is built and waits for its ref to move.
        ahead: while it is queued, how many builds of its app come before it.
        running: while it is queued, how many builds of all apps run.
    """

    state: BuildState
    superseded_by: int | None = None
    rollout: RolloutState | None = None
    is_held: bool = False
    ahead: int = 0
    running: int = 0

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to wait for: it has ended, and what it released is up or has failed."""
        return self.state.is_terminal and (self.rollout is None or self.rollout.is_settled)


@dataclass(frozen=True, slots=True)
class RolloutProgress:
    """A rollout as those see it who wait for it."""

    state: RolloutState
    is_ended: bool


def of_builds(tx: Transaction, ids: Collection[int]) -> Mapping[int, BuildProgress]:
    """Look at builds by id; those that are gone, with their app, are left out."""
    rows = tx.execute(_BUILDS, {"ids": list(ids)}).all()
    is_any_queued = any(row.state == _QUEUED for row in rows)
    line = _Line.of(tx) if is_any_queued else _Line({}, 0)
    return {row.id: _progress(row, line) for row in rows}


def of_rollouts(tx: Transaction, ids: Collection[int]) -> Mapping[int, RolloutProgress]:
    """Look at rollouts by id."""
    rows = tx.execute(_ROLLOUTS, {"ids": list(ids)})
    return {row.id: RolloutProgress(RolloutState(row.state), row.finished_at is not None) for row in rows}


@dataclass(frozen=True, slots=True)
class _Line:
    """All that is queued or runs: numbers by app, ascending, and how many run."""

    numbers: Mapping[int, Sequence[int]]
    running: int

    @classmethod
    def of(cls, tx: Transaction) -> Self:
        numbers: dict[int, list[int]] = defaultdict(list)
        running = 0
        for app_id, number, state in tx.execute(_LINE):
            numbers[app_id].append(number)
            running += state == _RUNNING
        return cls(numbers, running)


def _progress(row: Row[*tuple[Any, ...]], line: _Line) -> BuildProgress:
    state = BuildState(row.state)
    rollout = None if row.rollout is None else RolloutState(row.rollout)
    if state is BuildState.QUEUED:
        ahead = bisect_left(line.numbers[row.app_id], row.number)
        return BuildProgress(state, ahead=ahead, running=line.running)
    held = state is BuildState.WAITING and bool(row.slug)
    return BuildProgress(state, row.superseded_by, rollout, held)
