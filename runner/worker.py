"""An applier: an RQ worker that `stratum.prefork` forks. `runner.worker:main`."""

from runner import jobs
from stratum import queue
from stratum.prefork import die_with_parent
from stratum.store.rehearsal import rehearse

_NOBODYS = 0  # asked for by who stands ready: it opens the database as each job does first


def warm() -> None:
    """Prepare what the forks then share."""
    parts = jobs.parts()
    rehearse(parts.database)
    queue.warm(parts.instance.redis_url)


def main() -> None:
    """Work on rollouts until killed."""
    parts = jobs.parts()

    def prepare() -> None:
        die_with_parent()
        parts.database.forget_connections()
        jobs.has_queued(parts, _NOBODYS)

    instance, at_once = parts.instance, parts.instance.settings.appliers
    queue.work(instance.redis_url, queue.ROLLOUTS, at_once=at_once, prepare=prepare)
