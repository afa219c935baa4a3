"""The builder: takes nudges from the queue and builds, each job in a fork.

`stratum.prefork` imports this module once and forks from it, so everything that a build needs is
imported here, at the top: the forks then share it.
"""

import cryptography.fernet  # noqa: F401 - stratum.secrets imports it when it is first used, which would be in each fork

from builder import jobs
from stratum import queue
from stratum.prefork import die_with_parent
from stratum.store.rehearsal import rehearse

_NOBODYS = 0  # asked for by who stands ready: it opens the database as each job does first


def warm() -> None:
    """Prepare what the forks then share."""
    shop = jobs.workshop()
    rehearse(shop.db)
    if not shop.instance.fence.fenced:
        import stratum.door.handler  # noqa: F401 - each build's fork would import it anew


def main() -> None:
    """Work until killed."""
    shop = jobs.workshop()
    instance = shop.instance
    queue.work(instance.redis_url, queue.BUILDS, at_once=instance.settings.builders, prepare=_prepare)


def _prepare() -> None:
    die_with_parent()
    jobs.workshop().db.forget_connections()
    jobs.is_queued(jobs.workshop(), _NOBODYS)
