"""The commits that apps' buildpacks are pinned to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from stratum.store import tables as t
from stratum.store.clock import now
from stratum.store.database import Transaction
from stratum.store.rows import added


@dataclass(frozen=True, slots=True)
class Pin:
    """The commit that a buildpack's URL and ref resolved to when it was first used."""

    url: str
    ref: str
    commit: str
    pinned_at: datetime


def pins(tx: Transaction, app_id: int) -> list[Pin]:
    """List those of an app, by URL and ref."""
    mine = t.buildpack_pins.c.app_id == app_id
    chosen = select(t.buildpack_pins).where(mine).order_by(t.buildpack_pins.c.url, t.buildpack_pins.c.ref)
    return [Pin(row.url, row.ref, row.commit, row.pinned_at) for row in tx.execute(chosen)]


def pin(tx: Transaction, app_id: int, commits: Mapping[tuple[str, str], str]) -> None:
    """Pin what is not pinned yet.

    Args:
        commits: (url, ref) → commit.
    """
    there = {(one.url, one.ref) for one in pins(tx, app_id)}
    for (url, ref), commit in commits.items():
        if (url, ref) not in there:
            row = {"app_id": app_id, "url": url, "ref": ref, "commit": commit, "pinned_at": now()}
            added(tx, t.buildpack_pins, row)


def unpin(tx: Transaction, app_id: int, url: str = "") -> list[Pin]:
    """Forget the pins of a URL, or all; return them. The next build pins anew."""
    gone = [one for one in pins(tx, app_id) if url in ("", one.url)]
    mine = t.buildpack_pins.c.app_id == app_id
    for one in gone:
        tx.execute(delete(t.buildpack_pins).where(mine, t.buildpack_pins.c.url == one.url))
    return gone
