"""What must be there before the services start; run as the services' own account by `stratum up`.

`python -m stratum.up.boot` migrates the database, makes the key of the variables, writes the
router's first configuration, and records the administrator's token, whose secret comes on standard
input. It prints `created` or `kept` for that token.
"""

import os
import sys
from importlib import import_module

from stratum import secrets
from stratum.errors import StratumError
from stratum.instance import Instance
from stratum.store import Database, tokens
from stratum.store.migrate import migrate

ADMIN = "admin"

# By name, since the core imports none of the packages that stand on it.
ROUTER_BOOT = "runner.router.boot"


def main() -> None:
    """Do it all; each part leaves alone what is there already."""
    os.umask(0o077)
    try:
        _prepare(Instance.open())
    except StratumError as error:
        sys.exit(str(error))


def _prepare(instance: Instance) -> None:
    if instance.settings.redis_url:
        from stratum.queue import check_redis

        check_redis(instance.settings.redis_url)
    secrets.make_key(instance.layout.config_key)
    migrate(instance.layout.database)
    database = Database.open(instance.layout.database)
    sys.stdout.write(_record_admin(database, sys.stdin.read().strip()))
    database.close()
    import_module(ROUTER_BOOT).main()


def _record_admin(database: Database, secret: str) -> str:
    with database.write() as tx:
        if any(token.is_admin for token in tokens.list_tokens(tx)):
            return "kept"
        tokens.add_token(tx, ADMIN, is_admin=True, secret=secret)
        return "created"


if __name__ == "__main__":
    main()
