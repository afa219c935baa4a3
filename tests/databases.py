"""Databases of this version's tables: made by all migrations once for each process of a run, then copied."""

import tempfile
from functools import cache
from pathlib import Path

from stratum.store.migrate import migrate


def new_database(path: Path) -> None:
    """Make an empty database that is up to date, in a hundredth of the time that the migrations take."""
    path.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stratum.db")
        migrate(path)
        assert list(path.parent.iterdir()) == [path]  # no log beside it
        return path.read_bytes()
