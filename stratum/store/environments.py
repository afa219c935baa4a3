"""Environments and apps."""

from collections.abc import Mapping

from sqlalchemy import Select, bindparam, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from stratum.errors import AlreadyExists, Conflict
from stratum.fence import MAX_APPS
from stratum.model import App, Environment, ReviewOf
from stratum.store import tables as t
from stratum.store.clock import now
from stratum.store.database import Transaction
from stratum.store.names import former_id, take_name
from stratum.store.prepared import AnyRow, Prepared
from stratum.store.rows import added

_REVIEW = ("parent_id", "parent_name", "number")


def _apps() -> Select[tuple[object, ...]]:
    joined = t.apps.join(t.environments).outerjoin(t.review_apps, t.review_apps.c.app_id == t.apps.c.id)
    environment = [column.label(f"environment_{column.name}") for column in t.environments.c]
    review = [t.review_apps.c[name].label(f"review_{name}") for name in _REVIEW]
    own = (c for c in t.apps.c if c.name != "environment_id")
    return select(*own, *environment, *review).select_from(joined)


_BY_NAMES = Prepared(
    _apps().where(
        t.environments.c.name_key == bindparam("environment"), t.apps.c.name_key == bindparam("app")
    )
)
_BY_ID = Prepared(_apps().where(t.apps.c.id == bindparam("app")))


def add_environment(tx: Transaction, name: str, stage: str, *, start_all: bool) -> Environment:
    """Create an environment.

    Raises:
        AlreadyExists: the name is taken, in whatever case.
    """
    row = {
        "name": name,
        "name_key": name.lower(),
        "stage": stage,
        "start_all": start_all,
        "created_at": now(),
    }
    try:
        added(tx, t.environments, row)
    except IntegrityError as error:
        raise AlreadyExists("environment", name) from error
    found = find_environment(tx, name)
    assert found is not None
    return found


def find_environment(tx: Transaction, name: str) -> Environment | None:
    """Find by name without regard to case."""
    row = tx.execute(select(t.environments).where(t.environments.c.name_key == name.lower())).one_or_none()
    return None if row is None else _environment(row)


def list_environments(tx: Transaction) -> list[Environment]:
    """All, by name."""
    return [
        _environment(row) for row in tx.execute(select(t.environments).order_by(t.environments.c.name_key))
    ]


def remove_environment(tx: Transaction, environment_id: int) -> None:
    """Remove an empty environment.

    Raises:
        Conflict: it still has apps.
    """
    held = tx.scalar(
        select(func.count()).select_from(t.apps).where(t.apps.c.environment_id == environment_id)
    )
    if held:
        message = f"The environment still has {held} app(s)."
        raise Conflict(message, "Destroy them first: stratum apps destroy APP -E ENVIRONMENT.")
    tx.execute(delete(t.environments).where(t.environments.c.id == environment_id))


def add_app(tx: Transaction, environment: Environment, name: str) -> App:
    """Create an app without releases.

    Raises:
        AlreadyExists: the name is taken within the environment, in whatever case.
        Conflict: processes of an app that was called so still run under it, or every number an app can
            have was given once; the transaction must not commit.
    """
    take_name(tx, environment.id, name)
    row = {
        "environment_id": environment.id,
        "name": name,
        "name_key": name.lower(),
        "created_at": now(),
        "destroying": False,
    }
    try:
        added(tx, t.apps, row)
    except IntegrityError as error:
        raise AlreadyExists("app", f"{environment.name}/{name}") from error
    found = find_app(tx, environment.name, name)
    assert found is not None
    if found.id >= MAX_APPS:
        message = (
            f"This Stratum has made {MAX_APPS - 1:,} apps, destroyed ones included, and can make no more."
        )
        raise Conflict(
            message, "Numbers, and with them accounts, are not used twice: start another instance."
        )
    return found


def find_app(tx: Transaction, environment: str, name: str) -> App | None:
    """Find by names without regard to case; also one that is being destroyed."""
    row = _BY_NAMES.one(tx, {"environment": environment.lower(), "app": name.lower()})
    return None if row is None else _app(row)


def find_former(tx: Transaction, environment: str, name: str) -> App | None:
    """Find the app that was the last to be called so, and is called something else now."""
    app_id = former_id(tx, environment, name)
    return None if app_id is None else get_app(tx, app_id)


def get_app(tx: Transaction, app_id: int) -> App | None:
    """Find by id; None when it has been destroyed."""
    row = _BY_ID.one(tx, {"app": app_id})
    return None if row is None else _app(row)


def list_apps(tx: Transaction, environment_id: int | None = None) -> list[App]:
    """All apps, or those of one environment, by names."""
    chosen = _apps().order_by(t.environments.c.name_key, t.apps.c.name_key)
    if environment_id is not None:
        chosen = chosen.where(t.apps.c.environment_id == environment_id)
    return [_app(row) for row in tx.execute(chosen)]


def set_deploy_branch(tx: Transaction, app_id: int, branch: str) -> None:
    """Fix the branch whose pushes deploy (short name: `master`)."""
    tx.execute(update(t.apps).where(t.apps.c.id == app_id).values(deploy_branch=branch))


def set_settings(tx: Transaction, app_id: int, values: Mapping[str, object]) -> None:
    """Set some of those that are columns of their own: `gate`, `protected`, `max_push_bytes` and such."""
    if values:
        tx.execute(update(t.apps).where(t.apps.c.id == app_id).values(dict(values)))


def set_maintenance(tx: Transaction, app_id: int, *, on: bool) -> None:
    """Have whoever visits an app get the page that says so, or the app."""
    tx.execute(update(t.apps).where(t.apps.c.id == app_id).values(maintenance=on))


def set_current_release(tx: Transaction, app_id: int, release_id: int) -> None:
    """Record which release runs."""
    tx.execute(update(t.apps).where(t.apps.c.id == app_id).values(current_release_id=release_id))


def mark_destroying(tx: Transaction, app_id: int) -> None:
    """Wish the app away; the applier ends its processes, then `remove_app` follows."""
    tx.execute(update(t.apps).where(t.apps.c.id == app_id).values(destroying=True))


def remove_app(tx: Transaction, app_id: int) -> None:
    """Remove the app's rows, all of them (foreign keys cascade)."""
    tx.execute(delete(t.apps).where(t.apps.c.id == app_id))


def _environment(row: AnyRow) -> Environment:
    return Environment(row.id, row.name, row.stage, bool(row.start_all), row.created_at)


def _app(row: AnyRow) -> App:
    environment = Environment(
        row.environment_id,
        row.environment_name,
        row.environment_stage,
        bool(row.environment_start_all),
        row.environment_created_at,
    )
    return App(
        id=row.id,
        name=row.name,
        environment=environment,
        deploy_branch=row.deploy_branch,
        current_release_id=row.current_release_id,
        destroying=bool(row.destroying),
        created_at=row.created_at,
        gate=row.gate,
        protected=bool(row.protected),
        supersede_running=bool(row.supersede_running),
        max_push_bytes=row.max_push_bytes,
        max_repo_bytes=row.max_repo_bytes,
        max_processes=row.max_processes,
        maintenance=bool(row.maintenance),
        roll_back_within_s=row.roll_back_within_s,
        plain_http=bool(row.plain_http),
        review=_review(row),
    )


def _review(row: AnyRow) -> ReviewOf | None:
    if row.review_parent_id is None:
        return None
    return ReviewOf(row.review_parent_id, row.review_parent_name, row.review_number)
