import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from stratum.store.migrate import MIGRATIONS, migrate
from stratum.store.tables import metadata

# Ends itself once it has made the second of the tables that a migration makes.
KILLED_IN_THE_MIDST = """
import os, pathlib, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from stratum.store.migrate import migrate

@event.listens_for(Engine, "after_cursor_execute")
def end(_connection, _cursor, statement, *_others):
    if "CREATE TABLE statuses" in statement:
        os.kill(os.getpid(), signal.SIGKILL)

migrate(pathlib.Path(sys.argv[1]))
"""


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


def test_who_might_write_administers_after_the_update(tmp_path):
    """The old right included all that there was."""
    path = tmp_path / "stratum.db"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = f"sqlite:///{path}"
    command.upgrade(config, "0001")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("insert into environments values (1, 'E', 'e', 's', 0, '2026-01-01 00:00:00')")
        connection.execute("insert into tokens values (1, 'ci', 'x', 0, '2026-01-01 00:00:00', null)")
        connection.execute("insert into grants values (1, 1, 1, null, 'write'), (2, 1, 1, null, 'read')")

    migrate(path)

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("select right from grants order by id").fetchall() == [
            ("admin",),
            ("read",),
        ]
        assert connection.execute("select expires_at, created_by from tokens").fetchall() == [(None, "")]


@pytest.mark.parametrize("where", ["rollouts where build_id = 1", "ports where app_id = 1"])
def test_what_is_asked_time_and_again_is_found_by_an_index(tmp_path, where):
    migrate(tmp_path / "stratum.db")

    with sqlite3.connect(tmp_path / "stratum.db") as connection:
        [plan] = connection.execute(f"explain query plan select * from {where}")
    connection.close()

    assert plan[-1].startswith("SEARCH")


def test_what_is_outside_comes_to_a_database_that_is_in_use_and_can_be_taken_back(tmp_path):
    path = tmp_path / "stratum.db"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = f"sqlite:///{path}"
    command.upgrade(config, "0005")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("insert into environments values (1, 'E', 'e', 's', 0, '2026-01-01 00:00:00')")
        connection.execute(
            "insert into tokens values (1, 'ci', 'x', 0, '2026-01-01 00:00:00', null, null, '')"
        )
        before = _rows(connection)

    migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        after = _rows(connection)
    command.downgrade(config, "0005")

    assert {name: after[name] for name in before if name != "alembic_version"} == {
        name: rows for name, rows in before.items() if name != "alembic_version"
    }
    assert {name for name in after if after[name]} == {name for name in before if before[name]} | {"stamps"}
    with closing(sqlite3.connect(path)) as connection:
        assert _rows(connection) == before


def test_what_was_delivered_before_says_whose_its_builds_are(tmp_path):
    path = tmp_path / "stratum.db"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = f"sqlite:///{path}"
    command.upgrade(config, "0013")
    columns = (
        'id, app_id, webhook_id, delivery_id, event, headers, size, state, reason, branch, "commit", '
        "received_at, repeats, attempts, build"
    )
    rest = "3, 1, '', 'push', '{}', 2, 'queued', '', 'main', '', '2026-01-01 00:00:00', 0, 0"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"insert into deliveries ({columns}) values (1, {rest}, 7), (2, {rest}, null)")

    migrate(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        found = connection.execute("select build_app_id from deliveries order by id").fetchall()
        connection.execute(f"insert into deliveries ({columns}, build_app_id) values (4, {rest}, 1, 5)")
    command.downgrade(config, "0013")

    assert found == [(3,), (None,)]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("select build from deliveries order by id").fetchall() == [
            (7,),
            (None,),
            (None,),  # which would be taken for the app's own
        ]


def test_an_update_that_is_killed_in_its_midst_is_begun_anew(tmp_path):
    path = tmp_path / "stratum.db"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = f"sqlite:///{path}"
    command.upgrade(config, "0007")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma journal_mode = wal")  # as of one that was in use
        before = _rows(connection)

    killed = subprocess.run([sys.executable, "-c", KILLED_IN_THE_MIDST, path], check=False)
    with closing(sqlite3.connect(path)) as connection:
        found = _rows(connection)
    migrate(path)

    assert killed.returncode == -signal.SIGKILL
    assert found == before
    with closing(sqlite3.connect(path)) as connection:
        assert {"upstreams", "statuses"} <= _rows(connection).keys()


def _rows(connection):
    names = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
    return {name: connection.execute(f"select * from {name}").fetchall() for (name,) in names}
