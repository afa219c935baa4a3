"""What a commit waits for."""

import pytest

from stratum.errors import Unavailable
from stratum.store import Database
from tests.databases import new_database

FULL, NORMAL = 2, 1  # sqlite.org/pragma.html#pragma_synchronous


@pytest.fixture
def database(tmp_path):
    new_database(tmp_path / "db")
    opened = Database.open(tmp_path / "db")
    yield opened
    opened.close()


def synchronous(tx):
    return tx.exec_driver_sql("PRAGMA synchronous").scalar()


def test_a_commit_waits_for_the_disk_unless_it_need_not(database):
    with database.write(synced=False) as tx:
        assert synchronous(tx) == NORMAL
    with database.write() as tx:
        assert synchronous(tx) == FULL


def test_the_next_commit_waits_again_whatever_became_of_one_that_need_not(database):
    with pytest.raises(Unavailable), database.write(synced=False) as tx:
        tx.exec_driver_sql("SELECT * FROM nothing")
    with database.write() as tx:
        assert synchronous(tx) == FULL
