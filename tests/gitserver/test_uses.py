"""Noting the use of tokens, and getting out of the way."""

import sqlite3
import time

import pytest

from gitserver.signin import authenticate
from gitserver.uses import EVERY_S, Uses
from stratum.store import database as module
from stratum.store import tokens
from tests.webside import WebSide


@pytest.fixture
def side(tmp_path):
    made = WebSide.make(tmp_path / "data")
    yield made
    made.close()


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_use_is_noted_at_most_once_a_minute(side):
    uses, found = Uses(side.db), []
    for _ in range(3):
        found.append(authenticate(side.db, side.admin))
        uses.note(found[-1])

    assert found[0].last_used_at is None
    assert found[1].last_used_at is not None
    assert found[2].last_used_at == found[1].last_used_at


def test_a_held_database_costs_one_request_a_moment_and_the_others_nothing(side, caplog):
    clock = Clock()
    uses, token = Uses(side.db, clock), authenticate(side.db, side.admin)
    other = sqlite3.connect(side.instance.layout.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    began = time.monotonic()
    for _ in range(5):
        uses.note(token)
    clock.now += EVERY_S
    uses.note(token)

    assert time.monotonic() - began < module.BUSY_TIMEOUT_S
    assert [message.split(":")[0] for message in caplog.messages] == ["use of token admin was not noted"] * 2
    other.rollback()
    other.close()
    clock.now += EVERY_S
    uses.note(token)
    assert authenticate(side.db, side.admin).last_used_at is not None


def test_the_note_is_not_synced(side, monkeypatch):
    given = {}
    write = side.db.write

    def noted(**more):
        given.update(more)
        return write(**more)

    monkeypatch.setattr(side.db, "write", noted)

    Uses(side.db).note(authenticate(side.db, side.admin))

    assert given["synced"] is False


def test_the_connection_is_as_patient_afterwards_as_before(side):
    with side.db.write(synced=False, patience_s=0.05) as tx:
        tokens.mark_used(tx, 1)
        assert tx.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 50
    with side.db.write() as tx:
        assert tx.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == module.BUSY_TIMEOUT_S * 1000
