"""Domains of apps, besides the names that all have below the apps' domain."""

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from stratum.errors import AlreadyExists
from stratum.store import tables as t
from stratum.store.clock import now
from stratum.store.database import Transaction
from stratum.store.rows import added


def add_domain(tx: Transaction, app_id: int, name: str) -> None:
    """Give an app a domain (`stratum.domains.checked_domain`).

    Raises:
        AlreadyExists: an app has it.
    """
    try:
        added(tx, t.domains, {"app_id": app_id, "name": name, "created_at": now()})
    except IntegrityError as error:
        raise AlreadyExists("domain", name) from error


def remove_domain(tx: Transaction, app_id: int, name: str) -> bool:
    """Take a domain from an app; whether it had it."""
    where = (t.domains.c.app_id == app_id, t.domains.c.name == name)
    return bool(tx.execute(delete(t.domains).where(*where)).rowcount)


def domains_of(tx: Transaction, app_id: int) -> tuple[str, ...]:
    """An app's domains, by name."""
    return all_domains(tx, app_id).get(app_id, ())


def count_domains(tx: Transaction, app_id: int) -> int:
    """How many an app has."""
    chosen = select(func.count()).select_from(t.domains).where(t.domains.c.app_id == app_id)
    return tx.scalar(chosen) or 0


def owner_of(tx: Transaction, name: str) -> int | None:
    """Return the id of the app that has a domain."""
    found: int | None = tx.scalar(select(t.domains.c.app_id).where(t.domains.c.name == name))
    return found


def all_domains(tx: Transaction, app_id: int | None = None) -> dict[int, tuple[str, ...]]:
    """App id → its domains, by name; of all apps that have any, or of one."""
    chosen = select(t.domains.c.app_id, t.domains.c.name).order_by(t.domains.c.name)
    if app_id is not None:
        chosen = chosen.where(t.domains.c.app_id == app_id)
    found: dict[int, tuple[str, ...]] = {}
    for row in tx.execute(chosen):
        found[row.app_id] = (*found.get(row.app_id, ()), row.name)
    return found
