"""Small pieces that every table's module needs."""

from collections.abc import Mapping

from sqlalchemy import Table, insert

from stratum.store.database import Transaction


def added(tx: Transaction, table: Table, values: Mapping[str, object]) -> int:
    """Insert one row and return its id."""
    key = tx.execute(insert(table).values(dict(values))).inserted_primary_key
    assert key is not None
    return int(key[0])
