"""Bringing the database file to this version's tables, by Alembic."""

import logging
from pathlib import Path

from sqlalchemy import create_engine, inspect, text

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).with_name("migrations")


def migrate(path: Path) -> None:
    """Create the database or bring it up to date; a current one costs no import of Alembic."""
    if _revision(path) == _newest():
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = f"sqlite:///{path}"
    command.upgrade(config, "head")
    log.info("migrated %s to %s", path, _newest())


def _newest() -> str:
    return max(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _revision(path: Path) -> str | None:
    if not path.exists():
        return None
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.scalar(text("select version_num from alembic_version"))
            return found
    finally:
        engine.dispose()
