import logging

from sqlalchemy import func, select

from stratum.store import tables
from stratum.store.rehearsal import rehearse


def test_a_rehearsal_leaves_no_row(db, caplog):
    with caplog.at_level(logging.ERROR):
        rehearse(db)

    assert caplog.records == [], "it went through to its end"
    with db.read() as tx:
        counts = {
            table.name: tx.scalar(select(func.count()).select_from(table))
            for table in tables.metadata.sorted_tables
        }
    assert not any(counts.values()), counts


def test_a_rehearsal_that_fails_is_only_logged(db, caplog):
    with db.write() as tx:
        tables.releases.drop(tx)

    rehearse(db)

    assert "will be slower" in caplog.text
