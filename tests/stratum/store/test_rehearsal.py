import logging

from sqlalchemy import select

from stratum.store import tables
from stratum.store.rehearsal import rehearse


def contents(db):
    with db.read() as tx:
        return {table.name: tx.execute(select(table)).all() for table in tables.metadata.sorted_tables}


def test_a_rehearsal_leaves_no_row(db, caplog):
    before = contents(db)
    with caplog.at_level(logging.ERROR):
        rehearse(db)

    assert caplog.records == [], "it went through to its end"
    assert contents(db) == before


def test_a_rehearsal_that_fails_is_only_logged(db, caplog):
    with db.write() as tx:
        tables.releases.drop(tx)

    rehearse(db)

    assert "will be slower" in caplog.text
