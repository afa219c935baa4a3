"""Opening the database and its two kinds of transaction.

SQLite by the rules of the design: WAL, synchronous=FULL, foreign keys, BEGIN IMMEDIATE for every
write, so that a writer waits at its start and never fails in its middle. No I/O inside.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeAlias

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError

from stratum.errors import Unavailable

Transaction: TypeAlias = Connection

BUSY_TIMEOUT_S = 30


class Database:
    """One process's handle. After a fork call `forget_connections` in the child."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file; it must exist and be migrated (`stratum.store.migrate`)."""
        engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_S})
        event.listen(engine, "connect", _on_connect)
        return cls(engine)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Give a snapshot: all reads inside see one state."""
        with self._begun("BEGIN") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Give a write transaction, committed (and synced to disk) at the end.

        Raises:
            Unavailable: another writer held the file for BUSY_TIMEOUT_S, or the disk is full.
        """
        with self._begun("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _begun(self, statement: str) -> Iterator[Transaction]:
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql(statement)
                yield connection
                connection.commit()
        except OperationalError as error:
            message = f"The database cannot be used: {error.orig}."
            raise Unavailable(message, "See that its disk has room; then try again.") from error

    def forget_connections(self) -> None:
        """Drop connections inherited through fork without closing the parent's."""
        self._engine.dispose(close=False)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _on_connect(connection: Any, _record: object) -> None:  # sqlite3.Connection
    # Transactions are begun by hand above: sqlite3's own implicit BEGIN is deferred and late.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()
