"""The fetcher: an RQ worker that `stratum.prefork` forks. `hooks.webhooks.worker:main`."""

import cryptography.fernet  # noqa: F401 - stratum.secrets imports it when it is first used, which would be in each fork

from hooks.webhooks import jobs
from stratum import queue
from stratum.prefork import die_with_parent
from stratum.store.rehearsal import rehearse

AT_ONCE = 2  # apps, not counting those that wait for a server elsewhere


def warm() -> None:
    """Prepare what the forks then share."""
    rehearse(jobs.parts().database)


def main() -> None:
    """Fetch until killed; without a fork that stands ready, as what is fetched comes from far away."""
    redis_url = jobs.parts().instance.redis_url
    queue.work(redis_url, queue.FETCHES, at_once=AT_ONCE, prepare=_prepare, stands_by=False)


def _prepare() -> None:
    die_with_parent()
    jobs.parts().database.forget_connections()
