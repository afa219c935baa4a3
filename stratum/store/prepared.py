"""Statements that every push asks, compiled once and handed to the driver as they are.

What SQLAlchemy does at each execution takes 20 to 60 µs of a warm processor and four times as much in a
push, which finds it cold; what the driver does, 5.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import Insert, Select, Update
from sqlalchemy.dialects.sqlite.pysqlite import dialect
from sqlalchemy.types import TypeEngine

from stratum.store.database import Transaction, driver

AnyRow: TypeAlias = Any  # SQLAlchemy's Row, or one of the named tuples made here: columns are attributes
Values: TypeAlias = dict[str, Any]

_DIALECT = dialect()


class Prepared:
    """One statement; its values are named as in `bindparam`, or after the columns that it sets.

    Args:
        keys: names of the columns that an insert sets.
    """

    def __init__(self, statement: "Select[Any] | Insert | Update", keys: Sequence[str] = ()) -> None:
        compiled = statement.compile(dialect=_DIALECT, column_keys=keys or None)
        self._text, self._names = str(compiled), tuple(compiled.positiontup or ())  # some more than once
        binds = {name: compiled.binds[name] for name in self._names}
        columns = statement.exported_columns
        self._given = {name: bind.value for name, bind in binds.items() if not bind.required}
        self._to_disk = _needed({name: _bound(bind.type) for name, bind in binds.items()})
        self._from_disk = _needed({n: _read(column.type) for n, column in enumerate(columns)})
        names = [str(column.key) for column in columns]
        row: Any = namedtuple("row", names)  # type: ignore[misc]  # they are the statement's
        self._made = row._make

    def rows(self, tx: Transaction, values: Values) -> list[AnyRow]:
        """Return what is selected."""
        return [self._made(self._turned(found)) for found in self._run(tx, values).fetchall()]

    def one(self, tx: Transaction, values: Values) -> AnyRow | None:
        """Return the one row that can be selected, if it is there."""
        found = self.rows(tx, values)
        return found[0] if found else None

    def do(self, tx: Transaction, values: Values) -> int:
        """Change something; return the id of the row that was inserted, if one was."""
        return int(self._run(tx, values).lastrowid or 0)

    def _run(self, tx: Transaction, values: Values) -> sqlite3.Cursor:
        given = {**self._given, **values}
        for name, turned in self._to_disk.items():
            given[name] = turned(given[name])
        return driver(tx).execute(self._text, [given[name] for name in self._names])

    def _turned(self, found: Sequence[Any]) -> Sequence[Any]:
        cells = list(found)
        for number, turned in self._from_disk.items():
            cells[number] = turned(cells[number])
        return cells


def _bound(kind: TypeEngine[Any]) -> Any:
    return kind.dialect_impl(_DIALECT).bind_processor(_DIALECT)


def _read(kind: TypeEngine[Any]) -> Any:
    return kind.dialect_impl(_DIALECT).result_processor(_DIALECT, None)


def _needed(turned: dict[Any, Any]) -> dict[Any, Any]:
    return {key: each for key, each in turned.items() if each is not None}
