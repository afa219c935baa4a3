"""How Alembic reaches the database: by the URL that `stratum.store.migrate` passes.

All migrations are one transaction, so that a start that is killed leaves the tables that there were. SQLite
can take back changes of tables, but its driver begins no transaction for them, and Alembic counts on that
(docs.sqlalchemy.org, "SQLite", "Transactions with SQLite and the sqlite3 driver").
"""

import sqlite3

from alembic import context
from sqlalchemy import Connection, create_engine, event

from stratum.store.tables import metadata


def run() -> None:
    """Run the migrations."""
    engine = create_engine(context.config.attributes["url"])
    event.listen(engine, "connect", _leave_transactions_to_us)
    event.listen(engine, "begin", _begin)
    with engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


def _leave_transactions_to_us(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


run()
