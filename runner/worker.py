"""An applier: an RQ worker that `stratum.prefork` forks. `runner.worker:main`."""

from runner import jobs
from stratum import queue
from stratum.prefork import die_with_parent
from stratum.store.rehearsal import rehearse


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

    instance = parts.instance
    queue.work(instance.redis_url, queue.ROLLOUTS, at_once=instance.settings.appliers, prepare=prepare)
