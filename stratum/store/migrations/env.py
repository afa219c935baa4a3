"""How Alembic reaches the database: by the URL that `stratum.store.migrate` passes."""

from alembic import context
from sqlalchemy import create_engine

from stratum.store.tables import metadata


def run() -> None:
    """Run the migrations in one transaction."""
    engine = create_engine(context.config.attributes["url"])
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
