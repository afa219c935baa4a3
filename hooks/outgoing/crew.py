"""Threads of the web process that do what is due, and live only while anything is."""

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from stratum.errors import Unavailable

log = logging.getLogger(__name__)

Job = TypeVar("Job")


class Crew(Generic[Job]):
    """Of one process; made after the fork.

    Args:
        name: of its threads.
        at_once: how many there are at most.
        take: returns what is due, but for whom somebody is at work.
        whom: tells for whom a job is, by a number: one at a time is done for each.
        do: does one; what it raises leaves it to be done again, when that is due.
    """

    def __init__(
        self,
        name: str,
        at_once: int,
        take: Callable[[set[int]], Job | None],
        whom: Callable[[Job], int],
        do: Callable[[Job], None],
    ) -> None:
        self._name, self._at_once = name, at_once
        self._due, self._whom, self._do = take, whom, do
        self._lock = threading.Lock()
        self._busy: set[int] = set()
        self._threads: set[threading.Thread] = set()

    def start(self) -> None:
        """Start as many threads as there is work for, each with its first job."""
        while len(self._threads) < self._at_once and (job := self._take()) is not None:
            thread = threading.Thread(target=self._work, args=(job,), name=self._name, daemon=True)
            self._threads.add(thread)
            try:
                thread.start()
            except RuntimeError as error:  # there is no room for one; it is due again at the next look
                log.warning("%s for %d waits: %s", self._name, self._whom(job), error)
                self._threads.discard(thread)
                self._leave(job)
                return

    def wait(self) -> None:
        """Wait until all that was begun has ended."""
        while self._threads:
            for thread in list(self._threads):
                thread.join()

    def _work(self, job: Job) -> None:
        found: Job | None = job
        try:
            while found is not None:
                self._do(found)
                self._leave(found)
                found = self._take()
        except Unavailable as error:  # it is due again before long
            log.warning("%s could do nothing: %s", self._name, error)
        except Exception:
            log.exception("%s failed", self._name)
        finally:
            if found is not None:
                self._leave(found)
            self._threads.discard(threading.current_thread())

    def _take(self) -> Job | None:
        with self._lock:
            found = self._due(self._busy)
            if found is not None:
                self._busy.add(self._whom(found))
            return found

    def _leave(self, job: Job) -> None:
        with self._lock:
            self._busy.discard(self._whom(job))
