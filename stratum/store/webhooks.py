"""Web hooks of apps."""

from collections.abc import Mapping
from dataclasses import asdict, fields

from sqlalchemy import Row, delete, func, insert, select, update

from stratum.model import Credential, Webhook
from stratum.store import tables as t
from stratum.store.database import Transaction
from stratum.webhooks import Provider

_LISTS = ("branches", "paths", "deploy_keys", "host_keys")
_COLUMNS = [t.webhooks.c[field.name] for field in fields(Webhook)]


def add_webhook(tx: Transaction, new: Webhook) -> None:
    """Record a web hook; its id is given here, whatever it says."""
    values = asdict(new)
    values |= {name: list(values[name]) for name in _LISTS}
    del values["id"]
    tx.execute(insert(t.webhooks).values(values))


def find_webhook(tx: Transaction, public_id: str) -> Webhook | None:
    """Find by what names it in its address."""
    row = tx.execute(select(*_COLUMNS).where(t.webhooks.c.public_id == public_id)).one_or_none()
    return None if row is None else _webhook(row)


def get_webhook(tx: Transaction, webhook_id: int) -> Webhook | None:
    """Find by id."""
    row = tx.execute(select(*_COLUMNS).where(t.webhooks.c.id == webhook_id)).one_or_none()
    return None if row is None else _webhook(row)


def list_webhooks(tx: Transaction, app_id: int) -> list[Webhook]:
    """Return all of an app, oldest first."""
    chosen = select(*_COLUMNS).where(t.webhooks.c.app_id == app_id).order_by(t.webhooks.c.id)
    return [_webhook(row) for row in tx.execute(chosen)]


def owner_of_deploys(tx: Transaction, app_id: int) -> str:
    """Return which enabled web hook an app is deployed by; empty: by those who push."""
    mine = (t.webhooks.c.app_id == app_id, t.webhooks.c.enabled)
    found: str | None = tx.scalar(select(func.min(t.webhooks.c.public_id)).where(*mine))
    return found or ""


def change_webhook(tx: Transaction, webhook_id: int, values: Mapping[str, object]) -> None:
    """Change columns of one."""
    tx.execute(update(t.webhooks).where(t.webhooks.c.id == webhook_id).values(dict(values)))


def remove_webhook(tx: Transaction, webhook_id: int) -> None:
    """Forget one, with what it has delivered."""
    tx.execute(delete(t.webhooks).where(t.webhooks.c.id == webhook_id))


def _webhook(row: Row[tuple[object, ...]]) -> Webhook:
    values = dict(row._mapping)
    values["provider"], values["credential"] = Provider(row.provider), Credential(row.credential)
    values |= {name: tuple(values[name]) for name in _LISTS}
    return Webhook(**values)
