"""Opening the database and its two kinds of transaction.

SQLite by the rules of the design: WAL, synchronous=FULL, foreign keys, BEGIN IMMEDIATE for every
write, so that a writer waits at its start and never fails in its middle. No I/O inside.
"""

import sqlite3
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Self, TypeAlias

from sqlalchemy import Connection, Engine, PoolProxiedConnection, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from stratum.errors import Unavailable
from stratum.store.memo import Memo, Value
from stratum.store.watched import Watched

Transaction: TypeAlias = Connection

BUSY_TIMEOUT_S = 30
MAX_IDLE = 5  # connections kept open; SQLAlchemy's pool keeps as many
_HELD = "another writer holds it"
_CROWDED = "too many use it at once"


class Database:
    """One process's handle. After a fork call `forget_connections` in the child."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = Lock()
        self._memos = self._new_memos()
        self._idle: list[Connection] = []
        self._inherited: list[Connection] = []  # the parent's, kept because to drop them would close them

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file; it must exist and be migrated (`stratum.store.migrate`)."""
        engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_S})
        event.listen(engine, "connect", _on_connect)
        return cls(engine)

    def read(self) -> AbstractContextManager[Transaction]:
        """Give a snapshot: all reads inside see one state."""
        return self._begun("BEGIN")

    def known(
        self,
        key: Hashable,
        load: Callable[[Transaction], Value | None],
        until: Watched = Watched.ANYTHING,
    ) -> Value | None:
        """Return what `load` reads; from memory until somebody has committed (`stratum.store.memo`).

        Args:
            key: names the question; what it is asked of is part of it.
            until: what has to be committed for it to be read anew; `load` must read nothing else.
        """
        return self._memos[until].read(key, load)

    @contextmanager
    def write(self, *, synced: bool = True, patience_s: float = BUSY_TIMEOUT_S) -> Iterator[Transaction]:
        """Give a write transaction, committed (and synced to disk) at the end.

        Threads wait for each other outside the file's lock: in the order in which they came, without
        SQLite's naps, and without a connection of the pool that a reader could use meanwhile.

        Args:
            synced: False for what can be found out again: a loss of power, and only that, may take it back,
                with all that was committed since the last synced transaction, and in that order.
            patience_s: how long to wait for other writers.

        Raises:
            Unavailable: another writer held the file for all that time, or the disk is full.
        """
        if not self._writing.acquire(timeout=patience_s):
            raise _unavailable(_HELD)
        try:
            with self._begun("BEGIN IMMEDIATE", synced=synced, patience_s=patience_s) as connection:
                yield connection
        finally:
            self._writing.release()

    def changes(self, of: Watched = Watched.ANYTHING) -> "Changes":
        """Open a watch on what is committed from now on, for one thread; to be closed.

        Raises:
            Unavailable: the file cannot be opened.
        """
        try:
            raw = self._engine.raw_connection()
        except OperationalError as error:
            raise _unavailable(error.orig) from error
        raw.detach()  # the pool has to make do without it
        return Changes(raw, of)

    def _new_memos(self) -> dict[Watched, Memo]:
        return {watched: Memo(self, watched) for watched in Watched}

    @contextmanager
    def _begun(
        self, statement: str, *, synced: bool = True, patience_s: float = BUSY_TIMEOUT_S
    ) -> Iterator[Transaction]:
        try:
            connection = self._taken()
            raw = driver(connection)
            try:
                _set(raw, synced=synced, patience_s=patience_s)
                raw.execute(statement).close()
                yield connection
                connection.commit()  # of what SQLAlchemy knows of
                raw.commit()
            finally:
                connection.rollback()
                raw.rollback()  # of what has failed: within a transaction nothing can be set
                _set_back(raw, synced=synced, patience_s=patience_s)
                self._give_back(connection)
        except OperationalError as error:
            raise _unavailable(error.orig) from error
        except sqlite3.OperationalError as error:  # of a statement that SQLAlchemy does not know of
            raise _unavailable(error) from error
        except NoConnection as error:
            raise _unavailable(_CROWDED) from error

    def _taken(self) -> Connection:
        """Take a connection at rest, or one of the pool, whose part in it is most of a short transaction."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._engine.connect()

    def _give_back(self, connection: Connection) -> None:
        if len(self._idle) < MAX_IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    def forget_connections(self) -> None:
        """Drop connections inherited through fork without closing the parent's."""
        self._inherited, self._idle = self._idle, []
        self._engine.dispose(close=False)
        self._writing = Lock()
        self._memos = self._new_memos()

    def close(self) -> None:
        """Close all connections."""
        for memo in self._memos.values():
            memo.close()
        while self._idle:
            self._idle.pop().close()
        self._engine.dispose()


class Changes:
    """Tells for next to nothing (4 to 8 µs) whether anybody has committed since it was last asked."""

    def __init__(self, connection: PoolProxiedConnection, of: Watched) -> None:
        self._connection, self._question = connection, of.value
        self._cursor = connection.cursor()
        self._version: int | None = None

    def happened(self) -> bool:
        """Whether there is something new; True when asked for the first time.

        Raises:
            Unavailable: the file cannot be read.
        """
        try:
            self._cursor.execute(self._question)
            version = int(self._cursor.fetchall()[0][0])
        except sqlite3.OperationalError as error:
            raise _unavailable(error) from error
        is_new, self._version = version != self._version, version
        return is_new

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def driver(tx: Transaction) -> sqlite3.Connection:
    """Return what the statements of a transaction are handed to in the end."""
    found = tx.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found


def _unavailable(reason: object) -> Unavailable:
    return Unavailable(
        f"The database cannot be used: {reason}.", "See that its disk has room; then try again."
    )


def _set(raw: sqlite3.Connection, *, synced: bool, patience_s: float) -> None:
    """Let commits not wait for the disk (sqlite.org/pragma.html#pragma_synchronous, WAL), or be impatient."""
    if not synced:
        raw.execute("PRAGMA synchronous=NORMAL").close()
    if patience_s != BUSY_TIMEOUT_S:
        raw.execute(f"PRAGMA busy_timeout={patience_s * 1000:.0f}").close()


def _set_back(raw: sqlite3.Connection, *, synced: bool, patience_s: float) -> None:
    if not synced:
        raw.execute("PRAGMA synchronous=FULL").close()
    if patience_s != BUSY_TIMEOUT_S:
        raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}").close()


def _on_connect(connection: Any, _record: object) -> None:  # sqlite3.Connection
    # Transactions are begun by hand above: sqlite3's own implicit BEGIN is deferred and late.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()
