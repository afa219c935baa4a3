"""How many requests may wait at once: each holds a thread of the web process as long as it does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore

from stratum.errors import Unavailable

SPARE_THREADS = 4  # one of so many is kept for requests that do not wait
MAX_STREAMS = 2  # one of so many is the most that readers may wait with


@dataclass(frozen=True, slots=True)
class Places:
    """One budget for all that waits.

    Attributes:
        all: pushers who follow their builds, and the API's streams and long polls.
        streams: the latter alone, so that readers leave room for pushers.
    """

    all: BoundedSemaphore
    streams: BoundedSemaphore

    @classmethod
    def of(cls, threads: int) -> "Places":
        """Leave some of the web process's threads for those who do not wait."""
        most = max(1, threads - threads // SPARE_THREADS - 1)
        return cls(BoundedSemaphore(most), BoundedSemaphore(max(1, threads // MAX_STREAMS)))

    @contextmanager
    def for_stream(self) -> Iterator[None]:
        """Hold a place for a stream of the API.

        Raises:
            Unavailable: all are taken.
        """
        with self.for_poll() as found:
            if not found:
                message = "Too many are following logs already."
                raise Unavailable(message, "Try again later, or look without following.")
            yield

    @contextmanager
    def for_poll(self) -> Iterator[bool]:
        """Hold a place for a long poll; False when all are taken, and it has to be a short one."""
        if not self.streams.acquire(blocking=False):
            yield False
            return
        try:
            if not self.all.acquire(blocking=False):
                yield False
                return
            try:
                yield True
            finally:
                self.all.release()
        finally:
            self.streams.release()
