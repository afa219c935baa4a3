"""The fetcher: an RQ worker that `stratum.prefork` forks. `hooks.webhooks.worker:main`."""

from hooks.webhooks import jobs
from stratum import queue
from stratum.prefork import die_with_parent

AT_ONCE = 2  # apps


def main() -> None:
    """Fetch until killed."""
    queue.work(jobs.parts().instance.redis_url, queue.FETCHES, at_once=AT_ONCE, prepare=_prepare)


def _prepare() -> None:
    die_with_parent()
    jobs.parts().database.forget_connections()
