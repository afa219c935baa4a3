"""Writes what Caddy starts with: `python -P -m runner.router.boot`, as the service, before Caddy runs."""

from runner.router.switch import Router
from stratum.instance import Instance
from stratum.store import Database


def main() -> None:
    """Write it from what the database records."""
    instance = Instance.open()
    database = Database.open(instance.layout.database)
    try:
        Router(instance, database).write()
    finally:
        database.close()


if __name__ == "__main__":
    main()
