import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from stratum.store.migrate import migrate
from stratum.store.tables import metadata


def test_migrations_make_the_tables_that_the_code_uses(tmp_path):
    migrate(tmp_path / "stratum.db")

    engine = create_engine(f"sqlite:///{tmp_path / 'stratum.db'}")
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()

    assert differences == []


def test_migrating_twice_changes_nothing(tmp_path):
    path = tmp_path / "stratum.db"
    migrate(path)
    with sqlite3.connect(path) as connection:
        connection.execute("insert into environments values (1, 'E', 'e', 's', 0, '2026-01-01 00:00:00')")
    connection.close()

    migrate(path)

    with sqlite3.connect(path) as connection:
        assert connection.execute("select name from environments").fetchall() == [("E",)]
    connection.close()


@pytest.mark.parametrize("where", ["rollouts where build_id = 1", "ports where app_id = 1"])
def test_what_is_asked_time_and_again_is_found_by_an_index(tmp_path, where):
    migrate(tmp_path / "stratum.db")

    with sqlite3.connect(tmp_path / "stratum.db") as connection:
        [plan] = connection.execute(f"explain query plan select * from {where}")
    connection.close()

    assert plan[-1].startswith("SEARCH")
