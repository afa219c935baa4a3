"""What a commit waits for, and which connection it is made on."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from stratum.errors import Unavailable
from stratum.store import Database
from stratum.store.database import MAX_IDLE
from stratum.store.environments import add_environment, list_environments
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


def test_a_connection_stays_open_for_the_next_transaction_but_not_over_a_fork(database):
    with database.read() as first:
        pass
    with database.write() as second:
        assert second is first
        with database.read() as beside:
            assert beside is not first
    database.forget_connections()
    with database.read() as other:
        assert other not in (first, beside)
    assert not first.closed  # it is the parent's


def test_nothing_of_a_transaction_that_fails_is_left_to_the_next(database):
    with pytest.raises(Unavailable), database.write() as first:
        add_environment(first, "MyProdEnv", "production", start_all=False)
        first.exec_driver_sql("SELECT * FROM nothing")
    with database.read() as next_one:
        assert next_one is first
        assert list_environments(next_one) == []


def test_many_threads_at_once_leave_a_few_connections_open(database):
    meet = Barrier(8)

    def hold(_number):
        with database.read() as tx:
            meet.wait(60)
            return tx

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(hold, range(8)))
    assert len(set(taken)) == 8
    assert sum(not tx.closed for tx in taken) == MAX_IDLE
