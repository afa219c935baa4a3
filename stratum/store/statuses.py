"""What git servers are told: a row for each commit, or deployment, which says what was told and what is due.

A row is made or made due in the very transaction that gives something to say: a delivery ends, a build of
the commit is queued or ends, its release goes live or fails. What there is to say is looked up when it is
told, so that it is always the newest, and never overtaken by what was before.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Row, case, delete, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from stratum.model import CommitStatus, DeliveryState, RolloutState, StatusKind
from stratum.store import tables as t
from stratum.store.clock import now
from stratum.store.database import Transaction

KEPT = 200  # of a web hook, of those for which nothing is due

_NEW: dict[str, object] = {
    **{"told": "", "told_build": None, "busy_until": None, "answered": None, "error": "", "told_at": None},
    "remote_id": "",
}
_ENDS = (DeliveryState.PUSHED.value, DeliveryState.FAILED.value)
_WHOSE = func.coalesce(t.deliveries.c.build_app_id, t.deliveries.c.app_id)
_DELIVERIES = (
    select(
        t.apps.c.id.label("app_id"),
        (t.apps.c.id != t.deliveries.c.app_id).label("is_review"),
        t.deliveries.c.webhook_id,
        t.deliveries.c.branch,
        t.deliveries.c.state,
        case((t.builds.c.commit != "", t.deliveries.c.build)).label("build"),  # else it fetched nothing
        t.upstreams.c.statuses,
        t.upstreams.c.deployments,
        func.coalesce(func.nullif(t.builds.c.commit, ""), t.deliveries.c.commit).label("commit"),
        (t.environments.c.name + "/" + t.apps.c.name).label("app"),
    )
    .join(t.upstreams, t.upstreams.c.webhook_id == t.deliveries.c.webhook_id)
    .join(t.apps, t.apps.c.id == _WHOSE)
    .join(t.environments, t.environments.c.id == t.apps.c.environment_id)
    .join(
        t.builds,
        (t.builds.c.app_id == _WHOSE) & (t.builds.c.number == t.deliveries.c.build),
        isouter=True,
    )
    .where(t.deliveries.c.state.in_(_ENDS))
)
# Whoever is at a row is dead when its time has passed; until then nobody else is.
_NEXT = case((t.statuses.c.busy_until.is_(None), t.statuses.c.due_at), else_=t.statuses.c.busy_until)
_IS_DEPLOYMENT = t.statuses.c.kind == StatusKind.DEPLOYMENT.value
_IS_WISHED = case((_IS_DEPLOYMENT, t.upstreams.c.deployments), else_=t.upstreams.c.statuses)
_TOLD = (t.upstreams.c.webhook_id == t.statuses.c.webhook_id) & _IS_WISHED


def note_delivery(tx: Transaction, number: int) -> None:
    """Have a git server told of the commit of a delivery that has ended, if it is to be told anything.

    A delivery that has failed says nothing of a commit that was built. What a review app has made of a commit
    is told beside what the app does that it was made for, and is no deployment.
    """
    row = tx.execute(_DELIVERIES.where(t.deliveries.c.id == number)).one_or_none()
    if row is None or not row.commit or (row.build is None and row.state == DeliveryState.PUSHED.value):
        return
    about = {"app_id": row.app_id, "webhook_id": row.webhook_id, "commit": row.commit}
    said = {"delivery": number, "branch": row.branch, "build": row.build, "context": f"stratum/{row.app}"}
    if row.statuses:
        where = None if row.build is not None else t.statuses.c.build.is_(None)
        subject = f"{row.commit}/{row.app_id}" if row.is_review else row.commit
        _note(tx, StatusKind.COMMIT, {**about, **said, "subject": subject}, where)
    if row.deployments and row.build is not None and not row.is_review:
        _note(tx, StatusKind.DEPLOYMENT, {**about, **said})
    _prune(tx, row.webhook_id)


def note_build(tx: Transaction, app_id: int, number: int, commit: str) -> None:
    """Have told what becomes of a new build of a commit of which something was told before."""
    same = (t.statuses.c.app_id == app_id, t.statuses.c.commit == commit)
    newest = select(t.statuses).where(*same, _IS_DEPLOYMENT).order_by(t.statuses.c.id.desc()).limit(1)
    names = ("app_id", "webhook_id", "commit", "delivery", "branch", "context")
    for row in tx.execute(newest).all():
        about = {name: getattr(row, name) for name in names}
        _note(tx, StatusKind.DEPLOYMENT, {**about, "build": number})
    values = {"build": number, "due_at": now(), "attempts": 0}
    tx.execute(update(t.statuses).where(*same, ~_IS_DEPLOYMENT).values(values))


def deployed_build(tx: Transaction, app_id: int, commit: str) -> int | None:
    """Return the number of the newest build of a commit that has gone live."""
    live = t.rollouts.c.state.in_((RolloutState.LIVE.value, RolloutState.SUCCEEDED.value))
    chosen = select(func.max(t.builds.c.number)).join(t.rollouts, t.rollouts.c.build_id == t.builds.c.id)
    found: int | None = tx.scalar(
        chosen.where(t.builds.c.app_id == app_id, t.builds.c.commit == commit, live)
    )
    return found


def touch(tx: Transaction, app_id: int, build: int) -> None:
    """Have looked what there is to say of a build."""
    same = (t.statuses.c.app_id == app_id, t.statuses.c.build == build)
    tx.execute(update(t.statuses).where(*same).values(due_at=now(), attempts=0))


def touch_deployments(tx: Transaction, app_id: int, commit: str) -> None:
    """Have looked which deployments are active now that a release of a commit is live."""
    told = or_(t.statuses.c.told == "success", t.statuses.c.commit == commit)
    mine = (t.statuses.c.app_id == app_id, _IS_DEPLOYMENT, told)
    tx.execute(update(t.statuses).where(*mine).values(due_at=now(), attempts=0))


def touch_untold(tx: Transaction, webhook_id: int) -> int:
    """Have all told once more that could not be told; how many these are."""
    mine = (t.statuses.c.webhook_id == webhook_id, t.statuses.c.error != "")
    return tx.execute(update(t.statuses).where(*mine).values(due_at=now(), attempts=0)).rowcount


def list_statuses(tx: Transaction, webhook_id: int, most: int) -> list[CommitStatus]:
    """Return the newest of a web hook, newest first."""
    chosen = select(t.statuses).where(t.statuses.c.webhook_id == webhook_id)
    return [_status(row) for row in tx.execute(chosen.order_by(t.statuses.c.id.desc()).limit(most))]


def next_due(tx: Transaction) -> datetime | None:
    """When there is next anything to look at; None: not before something happens."""
    found: datetime | None = tx.scalar(select(func.min(_NEXT)).join_from(t.statuses, t.upstreams, _TOLD))
    return found


def due(tx: Transaction, at: datetime, but: Collection[int] = ()) -> list[CommitStatus]:
    """Return the oldest that is due of each web hook, those first that have waited longest.

    Args:
        but: ids of web hooks that are left out.
    """
    oldest = (
        select(func.min(t.statuses.c.id))
        .join(t.upstreams, _TOLD)
        .where(at >= _NEXT, t.statuses.c.webhook_id.not_in(list(but)))
        .group_by(t.statuses.c.webhook_id)
    )
    chosen = select(t.statuses).where(t.statuses.c.id.in_(oldest)).order_by(_NEXT)
    return [_status(row) for row in tx.execute(chosen)]


def begin(tx: Transaction, status: CommitStatus, until: datetime) -> CommitStatus | None:
    """Take one that is due; None when somebody else has taken it, or it is gone.

    Args:
        until: from then on whoever has taken it counts as dead.
    """
    row = tx.execute(select(t.statuses).where(t.statuses.c.id == status.id, now() >= _NEXT)).one_or_none()
    if row is None:
        return None
    values = {"attempts": row.attempts + 1, "busy_until": until, "due_at": None}
    tx.execute(update(t.statuses).where(t.statuses.c.id == status.id).values(values))
    return _status(tx.execute(select(t.statuses).where(t.statuses.c.id == status.id)).one())


def settle(tx: Transaction, status: CommitStatus) -> None:
    """Give back one that was taken, of which there is nothing new to say."""
    tx.execute(_taken(status).values(busy_until=None))


def record_told(tx: Transaction, status: CommitStatus, verdict: str, answered: int | None) -> None:
    """Give one back whose verdict the git server has acknowledged; what has happened meanwhile is due."""
    told = {"told": verdict, "told_build": status.build, "answered": answered, "error": "", "told_at": now()}
    tx.execute(_taken(status).values(busy_until=None, **told))


def note_remote(tx: Transaction, status: CommitStatus, remote_id: str) -> None:
    """Note what the git server calls the deployment of the build that one speaks of, taken as it is."""
    tx.execute(_taken(status).values(remote_id=remote_id))


def record_failure(
    tx: Transaction, status: CommitStatus, answered: int | None, error: str, again_at: datetime | None
) -> None:
    """Give one back that could not be told.

    Args:
        again_at: when to try again; None: not by itself.
    """
    due_at = func.coalesce(t.statuses.c.due_at, again_at)
    tx.execute(_taken(status).values(busy_until=None, answered=answered, error=error, due_at=due_at))


def _note(
    tx: Transaction, kind: StatusKind, said: Mapping[str, object], where: ColumnElement[bool] | None = None
) -> None:
    """Make a row, or make it due with what is said now, where that may be."""
    subject = str(said.get("subject", said["build"]))
    due = {**said, "due_at": now(), "attempts": 0}
    new = insert(t.statuses).values({**_NEW, **due, "kind": kind.value, "subject": subject})
    kept = {name: value for name, value in due.items() if name != "context"}
    tx.execute(new.on_conflict_do_update(index_elements=["webhook_id", "subject"], set_=kept, where=where))


def _taken(status: CommitStatus):  # type: ignore[no-untyped-def]  # SQLAlchemy's Update is generic in nothing useful here
    same = (t.statuses.c.id == status.id, t.statuses.c.busy_until == status.busy_until)
    return update(t.statuses).where(*same)


def _prune(tx: Transaction, webhook_id: int) -> None:
    idle: ColumnElement[bool] = t.statuses.c.due_at.is_(None) & t.statuses.c.busy_until.is_(None)
    mine = (t.statuses.c.webhook_id == webhook_id, idle)
    oldest = select(t.statuses.c.id).where(*mine).order_by(t.statuses.c.id.desc()).offset(KEPT).limit(1)
    tx.execute(delete(t.statuses).where(*mine, t.statuses.c.id <= oldest.scalar_subquery()))


def _status(row: Row[tuple[object, ...]]) -> CommitStatus:
    values = {name: getattr(row, name) for name in CommitStatus.__dataclass_fields__}
    return CommitStatus(**{**values, "kind": StatusKind(row.kind)})
