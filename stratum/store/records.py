"""Which records of builds and rollouts are kept: an app's newest, and those of what can be gone back to.

The log of a build goes with its record. Of a release that is not kept any more the record stays, without
its build and its rollout.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, or_, select, update

from stratum.model import BuildState, ReleaseState, RolloutState
from stratum.store import tables as t
from stratum.store.database import Transaction

BATCH = 200

_ENDED = [state.value for state in BuildState if state.is_terminal]
_KEPT = [state.value for state in (ReleaseState.PENDING, ReleaseState.LIVE, ReleaseState.RETIRED)]
_AT_WORK = [state.value for state in (RolloutState.QUEUED, RolloutState.RUNNING, RolloutState.LIVE)]
_newest = func.max(t.builds.c.number)
_FULL = (
    select(t.builds.c.app_id, _newest.label("newest"))
    .group_by(t.builds.c.app_id)
    .having(_newest > bindparam("keep"))
    .subquery()
)
_OLD = (
    select(t.builds.c.id, t.builds.c.app_id, t.builds.c.number)
    .join(_FULL, _FULL.c.app_id == t.builds.c.app_id)
    .where(
        t.builds.c.number <= _FULL.c.newest - bindparam("keep"),
        t.builds.c.state.in_(_ENDED),
        t.builds.c.id.not_in(
            select(t.releases.c.build_id).where(
                t.releases.c.build_id.is_not(None), t.releases.c.state.in_(_KEPT)
            )
        ),
        t.builds.c.id.not_in(
            select(t.rollouts.c.build_id).where(
                t.rollouts.c.build_id.is_not(None), t.rollouts.c.state.in_(_AT_WORK)
            )
        ),
    )
    .order_by(t.builds.c.id)
    .limit(BATCH)
)
_newest_rollout = func.max(t.rollouts.c.number)
_MANY = (
    select(t.rollouts.c.app_id, _newest_rollout.label("newest"))
    .group_by(t.rollouts.c.app_id)
    .having(_newest_rollout > bindparam("keep"))
    .subquery()
)
_OLD_ROLLOUTS = (
    select(t.rollouts.c.id)
    .join(_MANY, _MANY.c.app_id == t.rollouts.c.app_id)
    .where(
        t.rollouts.c.number <= _MANY.c.newest - bindparam("keep"),
        t.rollouts.c.state.not_in(_AT_WORK),
        or_(
            t.rollouts.c.release_id.is_(None),
            t.rollouts.c.release_id.not_in(select(t.releases.c.id).where(t.releases.c.state.in_(_KEPT))),
        ),
    )
    .order_by(t.rollouts.c.id)
    .limit(BATCH)
)


@dataclass(frozen=True, slots=True)
class Old:
    """A build whose record is kept no more."""

    id: int
    app_id: int
    number: int


def old_builds(tx: Transaction, keep: int) -> list[Old]:
    """Return ended builds of all apps that are not among the newest, nor of a release that is kept.

    Args:
        keep: newest builds of each app that stay, whatever became of them.
    """
    return [Old(row.id, row.app_id, row.number) for row in tx.execute(_OLD, {"keep": keep})]


def remove(tx: Transaction, builds: Collection[Old]) -> None:
    """Remove the records of builds; what refers to them stays, without them."""
    ids = [one.id for one in builds]
    for table in (t.releases, t.rollouts):
        tx.execute(update(table).where(table.c.build_id.in_(ids)).values(build_id=None))
    tx.execute(delete(t.builds).where(t.builds.c.id.in_(ids)))


def old_rollouts(tx: Transaction, keep: int) -> list[int]:
    """Return ids of ended rollouts that are not among their app's newest, nor of a release that is kept."""
    return list(tx.scalars(_OLD_ROLLOUTS, {"keep": keep}))


def remove_rollouts(tx: Transaction, ids: Collection[int]) -> None:
    """Remove the records of rollouts."""
    tx.execute(delete(t.rollouts).where(t.rollouts.c.id.in_(list(ids))))
