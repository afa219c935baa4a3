"""Which sites the router serves by itself: a row for each app that ever had one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select

from stratum.store import tables as t
from stratum.store.database import Transaction

_ALL = select(t.sites)


@dataclass(frozen=True, slots=True)
class Served:
    """The site of an app.

    Attributes:
        version: of the release whose files are served; 0: requests go to processes.
        app_name: what the app is called in that release.
        rules: what its slug says of how it is served (`stratum.site.table`).
    """

    version: int
    app_name: str
    rules: Mapping[str, Any]


NONE = Served(0, "", {})


def all_served(tx: Transaction) -> dict[int, Served]:
    """App id → what is served, for all apps that ever had a site."""
    return {row.app_id: Served(row.version, row.app_name, row.rules) for row in tx.execute(_ALL)}


def set_served(tx: Transaction, app_id: int, served: Served | None) -> None:
    """Have the router serve a site, or send requests to processes."""
    before = all_served(tx).get(app_id)
    wished = served or NONE
    if before == wished or (before is None and served is None):
        return
    tx.execute(delete(t.sites).where(t.sites.c.app_id == app_id))
    row = {"version": wished.version, "app_name": wished.app_name, "rules": dict(wished.rules)}
    tx.execute(insert(t.sites).values(app_id=app_id, **row))
