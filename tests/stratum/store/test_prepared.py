"""Statements handed to the driver read and write what SQLAlchemy does."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import BindParameter, bindparam, insert, select, update

from stratum.errors import Unavailable
from stratum.store import tables as t
from stratum.store.prepared import Prepared
from tests.there import there

WHEN = datetime(2026, 11, 22, 9, 30, 15, 123456, tzinfo=UTC)
PUSH = {
    "ref": "refs/heads/mäster",
    "old": "0" * 40,
    "new": "1" * 40,
    "who": "admin",
    "state": "pending",
    "deploys": True,
    "web_process": "1:1",
    "receive_process": "2:2",
    "created_at": WHEN,
    "options": {"scale": {"web": 2}, "reason": 'it\'s "time"'},
}
ADD = Prepared(insert(t.pushes), ["app_id", *PUSH])
FIND = select(t.pushes).where(t.pushes.c.app_id == bindparam("app"), t.pushes.c.deploys)
END = Prepared(update(t.pushes).where(t.pushes.c.id == bindparam("push")).values(state="rejected"))


def test_a_row_reads_as_sqlalchemy_reads_it_whoever_wrote_it(db, app):
    with db.write() as tx:
        first = ADD.do(tx, {"app_id": app.id, **PUSH})
        tx.execute(insert(t.pushes).values(app_id=app.id, **PUSH))
        rows = Prepared(FIND).rows(tx, {"app": app.id})

        assert [row._asdict() for row in rows] == [
            dict(row) for row in tx.execute(FIND, {"app": app.id}).mappings()
        ]
        assert rows[0]._asdict() == {**rows[1]._asdict(), "id": first}
        assert rows[0].created_at == WHEN


def test_what_is_done_stays_when_the_transaction_ends_well_and_only_then(db, app):
    class _TakenBack(Exception):
        pass

    with db.write() as tx:
        push = ADD.do(tx, {"app_id": app.id, **PUSH})
    with pytest.raises(_TakenBack), db.write() as tx:
        END.do(tx, {"push": push})
        raise _TakenBack
    with db.read() as tx:
        row = there(Prepared(FIND).one(tx, {"app": app.id}))

    assert (row.id, row.state) == (push, "pending")


def test_a_value_may_be_asked_for_twice(db, app):
    wanted: BindParameter[int] = bindparam("wanted")
    either = Prepared(
        select(t.apps.c.id).where((t.apps.c.id == wanted) | (t.apps.c.environment_id == wanted))
    )

    with db.read() as tx:
        assert [row.id for row in either.rows(tx, {"wanted": app.id})] == [app.id]


def test_what_is_not_there_is_none(db):
    with db.read() as tx:
        assert Prepared(FIND).one(tx, {"app": 7}) is None


def test_a_value_that_is_left_out_is_an_error(db):
    with db.read() as tx, pytest.raises(KeyError):
        Prepared(FIND).one(tx, {})


def test_a_database_that_fails_is_unavailable_to_it_too(db, app):
    with pytest.raises(Unavailable, match="locked"), db.write() as held:
        held.exec_driver_sql("PRAGMA busy_timeout=0")
        with db.read() as tx:
            tx.exec_driver_sql("PRAGMA busy_timeout=0")
            ADD.do(tx, {"app_id": app.id, **PUSH})
