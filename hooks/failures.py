"""Failures of jobs that are done again and again: one stops no other, and is logged now and then."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

SAY_EVERY_S = 600.0


class Failures:
    """Of one thread; knows which job fails, so that the log is not filled with one cause."""

    def __init__(self) -> None:
        self._said_at: dict[str, float] = {}

    @contextmanager
    def kept_from_others(self, job: str) -> Iterator[None]:
        """Do a job whose failure is nobody else's.

        Args:
            job: for the log, and the same each time: `settling pushes of app 3`.
        """
        try:
            yield
        except Exception:
            self._say(job)
        else:
            if self._said_at.pop(job, None) is not None:
                log.info("%s succeeds again", job)

    def _say(self, job: str) -> None:
        now = time.monotonic()
        said_at = self._said_at.get(job)
        if said_at is None or now - said_at >= SAY_EVERY_S:
            self._said_at[job] = now
            log.exception("%s failed; it is tried again, and said again in %.0f min", job, SAY_EVERY_S / 60)
