"""Builds of what is still to be fetched: recorded and numbered with the delivery that told of it.

Such a build is `fetching`, without a commit. When what was fetched is pushed it becomes the build of that
push; until then it can be given up, and ends with its delivery. The order of releases is that of pushes,
whatever the numbers.
"""

from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, exists, select, update

from stratum.errors import Conflict
from stratum.model import Build, BuildOptions, BuildState, DeliveryState, RecordedDelivery
from stratum.store import builds, deliveries, news, statuses
from stratum.store import tables as t
from stratum.store.clock import now
from stratum.store.database import Transaction

_IS_FREE = (t.builds.c.state == BuildState.FETCHING.value, t.builds.c.push_id.is_(None))
_IS_AWAITED = exists().where(
    t.deliveries.c.build_app_id == t.builds.c.app_id,
    t.deliveries.c.build == t.builds.c.number,
    t.deliveries.c.state == DeliveryState.QUEUED.value,
)


@dataclass(frozen=True, slots=True)
class Reserved:
    """A build by its number."""

    app_id: int
    number: int


def reserve(tx: Transaction, app_id: int, who: str) -> Build:
    """Record one under the app's next number."""
    made = builds.add_build(tx, app_id, "", source="push", who=who)
    fetching = {"state": BuildState.FETCHING.value}
    tx.execute(update(t.builds).where(t.builds.c.id == made.id).values(fetching))
    return builds.get_build(tx, made.id)


def of(delivery: RecordedDelivery) -> Reserved | None:
    """Return what a delivery leads to; None: it has no build."""
    if delivery.build is None or delivery.build_app_id is None:
        return None
    return Reserved(delivery.build_app_id, delivery.build)


def is_fetching(tx: Transaction, one: Reserved) -> bool:
    """Whether it has neither ended nor been queued; a push may be about to take it, or was cut in that."""
    found = builds.find_build(tx, one.app_id, one.number)
    return found is not None and found.state is BuildState.FETCHING


def is_free(tx: Transaction, one: Reserved) -> bool:
    """Whether it is fetching, and no push of which it is not known yet what became of it has taken it."""
    return tx.scalar(select(t.builds.c.id).where(*_free(one))) is not None


def belong(tx: Transaction, one: Reserved, push_id: int, commit: str) -> None:
    """Tie one to the push that has fetched it, whose ref is about to move.

    Raises:
        Conflict: it was given up; the transaction must not commit.
    """
    _take(tx, one, {"push_id": push_id, "commit": commit})


def gate(tx: Transaction, one: Reserved, commit: str, *, options: BuildOptions, process: str) -> Build:
    """Make one the gated build of a push that has fetched it; it waits until `builds.enqueue`.

    Args:
        process: `pid:starttime` of who asks for it.

    Raises:
        Conflict: it was given up; the transaction must not commit.
    """
    state = {"state": BuildState.WAITING.value}
    _take(tx, one, {"commit": commit, "options": asdict(options), "gate": process, **state})
    statuses.note_build(tx, one.app_id, one.number, commit)
    return _build(tx, one)


def end(tx: Transaction, one: Reserved, state: BuildState, reason: str, *, newer: int | None = None) -> None:
    """End one for which nothing was pushed; nothing happens to what is not fetching any more.

    Nor to what a push has fetched of which it is not known yet whether its ref has moved.

    Args:
        newer: number of the build in whose favour it is dropped.
    """
    values = {"state": state.value, "error": reason, "superseded_by": newer, "finished_at": now()}
    if tx.execute(update(t.builds).where(*_free(one)).values(values)).rowcount:
        news.tell_build(tx, _build(tx, one))


def end_pull(tx: Transaction, parent_id: int, number: int, reason: str) -> None:
    """End what is queued of a pull request, with its builds.

    Args:
        reason: a clause.
    """
    for one in deliveries.queued(tx, parent_id, due=False):
        if one.pull is None or one.pull.number != number:
            continue
        deliveries.end(tx, one.id, DeliveryState.IGNORED, reason)
        build = of(one)
        if build is not None:
            end(tx, build, BuildState.SKIPPED, f"Nothing to build: {reason}.")


def orphans(tx: Transaction) -> list[Reserved]:
    """Return those that nobody fetches: the web hook was removed, or the delivery has ended."""
    chosen = select(t.builds.c.app_id, t.builds.c.number).where(*_IS_FREE, ~_IS_AWAITED)
    return [Reserved(row.app_id, row.number) for row in tx.execute(chosen.order_by(t.builds.c.id))]


def _take(tx: Transaction, one: Reserved, values: dict[str, object]) -> None:
    if not tx.execute(update(t.builds).where(*_free(one)).values(values)).rowcount:
        message = f"Build {one.number} was given up."
        raise Conflict(message, "stratum webhooks replay fetches a delivery's branch once more.")


def _free(one: Reserved) -> tuple[ColumnElement[bool], ...]:
    return t.builds.c.app_id == one.app_id, t.builds.c.number == one.number, *_IS_FREE


def _build(tx: Transaction, one: Reserved) -> Build:
    found = builds.find_build(tx, one.app_id, one.number)
    assert found is not None
    return found
