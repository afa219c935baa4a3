"""An applier: an RQ worker that `stratum.prefork` forks. `runner.worker:main`."""

from runner import jobs
from stratum import queue
from stratum.prefork import die_with_parent


def main() -> None:
    """Work on rollouts until killed."""
    parts = jobs.parts()
    # Compiles the statement that every job begins with; its forks then have it.
    jobs.has_queued(parts, 0)

    def prepare() -> None:
        die_with_parent()
        parts.database.forget_connections()

    queue.work(parts.instance.redis_url, queue.ROLLOUTS, prepare=prepare)
