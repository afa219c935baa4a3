"""What apps are called, and were: a former name leads to its app until another app takes it.

Processes run under what their app was called when their release was made. So whatever runs under a name
belongs to the one app that has it, else to the one that last had it; and no app takes a name under
which another one's processes still run.
"""

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from stratum.errors import AlreadyExists, Conflict
from stratum.model import App, RolloutState
from stratum.store import tables as t
from stratum.store.clock import now
from stratum.store.database import Transaction
from stratum.store.rows import added

_UNFINISHED = (RolloutState.QUEUED.value, RolloutState.RUNNING.value, RolloutState.LIVE.value)


def names_of(tx: Transaction, app_id: int) -> tuple[str, ...]:
    """Return what an app is called, and what it was."""
    return all_names(tx, app_id).get(app_id, ())


def all_names(tx: Transaction, app_id: int | None = None) -> dict[int, tuple[str, ...]]:
    """App id → what it is called, then what it was; of all apps, or of one."""
    present = select(t.apps.c.id, t.apps.c.name)
    former = select(t.former_names.c.app_id, t.former_names.c.name).order_by(t.former_names.c.id.desc())
    if app_id is not None:
        present, former = (
            present.where(t.apps.c.id == app_id),
            former.where(t.former_names.c.app_id == app_id),
        )
    found: dict[int, tuple[str, ...]] = {row.id: (row.name,) for row in tx.execute(present)}
    for row in tx.execute(former):
        found[row.app_id] = (*found[row.app_id], row.name)
    return found


def former_id(tx: Transaction, environment: str, name: str) -> int | None:
    """Return the id of the app that last had a name which no app has now, without regard to case."""
    joined = t.former_names.join(t.environments, t.environments.c.id == t.former_names.c.environment_id)
    chosen = select(t.former_names.c.app_id).select_from(joined)
    found: int | None = tx.scalar(
        chosen.where(
            t.environments.c.name_key == environment.lower(), t.former_names.c.name_key == name.lower()
        )
    )
    return found


def take_name(tx: Transaction, environment_id: int, name: str, app_id: int | None = None) -> None:
    """Have a name lead to nobody else, for an app that is about to have it.

    Args:
        app_id: the app; None for a new one.

    Raises:
        Conflict: processes of another app run under it.
    """
    joined = t.former_names.join(t.apps, t.apps.c.id == t.former_names.c.app_id).join(
        t.releases, t.releases.c.id == t.apps.c.current_release_id, isouter=True
    )
    unfinished = exists().where(t.rollouts.c.app_id == t.apps.c.id, t.rollouts.c.state.in_(_UNFINISHED))
    mine = (t.former_names.c.environment_id == environment_id, t.former_names.c.name_key == name.lower())
    in_use = or_(func.lower(t.releases.c.app_name) == name.lower(), unfinished)
    holder = tx.execute(
        select(t.apps.c.id, t.apps.c.name).select_from(joined).where(*mine, in_use)
    ).one_or_none()
    if holder is not None and holder.id != app_id:
        message = f"{name} is what {holder.name} was called, and its processes still run under that name."
        raise Conflict(
            message, f"Wait for its rollout; if that has failed: stratum redeploy -A {holder.name}."
        )
    tx.execute(delete(t.former_names).where(*mine))


def rename_app(tx: Transaction, app: App, name: str) -> None:
    """Give an app another name; the one it had leads to it from then on.

    Raises:
        AlreadyExists: another app of the environment has the name, in whatever case.
        Conflict: processes of another app run under it.
    """
    take_name(tx, app.environment.id, name, app.id)
    try:
        tx.execute(update(t.apps).where(t.apps.c.id == app.id).values(name=name, name_key=name.lower()))
    except IntegrityError as error:
        raise AlreadyExists("app", f"{app.environment.name}/{name}") from error
    take_name(tx, app.environment.id, app.name, app.id)
    row = {"environment_id": app.environment.id, "name": app.name, "name_key": app.name.lower()}
    added(tx, t.former_names, {**row, "app_id": app.id, "created_at": now()})
