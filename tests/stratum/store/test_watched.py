"""What is known of tokens and apps: until either is changed, whoever does it, and by nothing else."""

import sqlite3
from contextlib import closing
from functools import partial

import pytest
from sqlalchemy import insert

from stratum.model import Grant, RefUpdate, Right
from stratum.store import Watched, environments, pushes, tokens
from stratum.store import tables as t
from stratum.store.clock import now
from stratum.store.database import driver

READ = (t.tokens, t.grants, t.environments, t.apps, t.review_apps)
SECRET = "s3cret"
REVIEW = {
    "parent_name": "app01",
    "number": 3,
    "state": "open",
    "pull": {},
    "approved": "",
    "with_values": False,
    "lent": {},
    "created_at": now(),
    "updated_at": now(),
}
FIND_TOKEN = partial(tokens.find_token, secret=SECRET)
FIND_APP = partial(environments.find_app, environment="MyProdEnv", name="app02")


@pytest.fixture
def other(tmp_path, app, db):
    """A connection of somebody else, to a database that has a row of each kind."""
    with db.write() as tx:
        right = Grant(app.environment.id, app.id, Right.PUSH)
        tokens.add_token(tx, "ci", is_admin=False, secret=SECRET, grants=(right,))
        tx.execute(insert(t.review_apps).values(REVIEW | {"app_id": app.id, "parent_id": app.id}))
    with closing(sqlite3.connect(tmp_path / "stratum.db", isolation_level=None)) as connection:
        yield connection


@pytest.fixture
def is_known(db):
    """Whether what has been asked before is answered from memory; asks it."""

    def ask() -> bool:
        asked = []

        def load(_tx) -> int:
            asked.append("k")
            return 1

        db.known("k", load, until=Watched.ACCESS)
        return not asked

    return ask


def columns_read(db, look_up) -> set[tuple[str, str]]:
    """Tables and columns that SQLite reads for a look-up (sqlite.org/c3ref/set_authorizer.html)."""
    found = set()

    def allow(action, table, column, *_more):
        if action == sqlite3.SQLITE_READ:
            found.add((table, column))
        return sqlite3.SQLITE_OK

    with db.read() as tx:
        driver(tx).set_authorizer(allow)
        try:
            assert look_up(tx) is not None
        finally:
            driver(tx).set_authorizer(None)
    return found


@pytest.mark.parametrize("look_up", [FIND_TOKEN, FIND_APP])
@pytest.mark.usefixtures("other")
def test_look_ups_read_nothing_else(db, look_up):
    stamped = {(table.name, column.name) for table in READ for column in table.c}

    read = columns_read(db, look_up)

    assert len(read) > 5
    assert read <= stamped


@pytest.mark.parametrize("table", READ, ids=lambda table: table.name)
def test_change_of_any_column_makes_it_ask_again(other, is_known, table):
    for column in table.c:
        is_known()
        assert is_known()
        other.execute("PRAGMA foreign_keys=OFF")
        other.execute(f'UPDATE {table.name} SET "{column.name}" = 7')

        assert not is_known(), f"after a change of {column}"


@pytest.mark.parametrize("table", READ, ids=lambda table: table.name)
def test_row_that_goes_or_comes_makes_it_ask_again(other, is_known, table):
    is_known()
    [row] = other.execute(f"DELETE FROM {table.name} RETURNING *").fetchall()
    assert not is_known()
    assert is_known()

    other.execute(f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(row))})", row)

    assert not is_known()


def test_change_that_is_taken_back_is_none(other, is_known):
    is_known()
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE apps SET destroying = 1")
    assert is_known()
    other.execute("ROLLBACK")

    assert is_known()


def test_what_a_push_writes_changes_nothing(db, app, is_known):
    is_known()
    with db.write() as tx:
        update = (RefUpdate("refs/heads/topic", "0" * 40, "1" * 40), False)
        ids = pushes.journal(tx, app.id, [update], "ci", web_process="1:1", receive_process="1:1")
    with db.write() as tx:
        pushes.accept(tx, ids)

    assert is_known()


def test_change_by_the_database_itself_counts_as_well(db, app, is_known):
    is_known()
    with db.write() as tx:
        environments.mark_destroying(tx, app.id)

    assert not is_known()


def test_rights_that_end_with_their_token_count(other, is_known):
    """By foreign keys."""
    other.execute("PRAGMA foreign_keys=ON")
    is_known()
    other.execute("DELETE FROM tokens")

    assert not is_known()
    assert other.execute("SELECT count(*) FROM grants").fetchone() == (0,)
