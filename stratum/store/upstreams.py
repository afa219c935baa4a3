"""How the git servers of web hooks are spoken to by their APIs."""

from dataclasses import asdict, fields

from sqlalchemy import delete, insert, select

from stratum.model import Upstream
from stratum.store import tables as t
from stratum.store.database import Transaction

_COLUMNS = [t.upstreams.c[field.name] for field in fields(Upstream)]


def get_upstream(tx: Transaction, webhook_id: int) -> Upstream:
    """Return a web hook's; by default its git server is told nothing."""
    row = tx.execute(select(*_COLUMNS).where(t.upstreams.c.webhook_id == webhook_id)).one_or_none()
    return Upstream(webhook_id) if row is None else Upstream(**row._mapping)


def set_upstream(tx: Transaction, found: Upstream) -> None:
    """Replace a web hook's."""
    tx.execute(delete(t.upstreams).where(t.upstreams.c.webhook_id == found.webhook_id))
    tx.execute(insert(t.upstreams).values(asdict(found)))
