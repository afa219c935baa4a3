"""How many requests of each kind may last: each holds a thread of the web process as long as it does.

The budgets are apart, so that no kind can take the threads of another, and the ordinary requests,
which end by themselves, keep theirs whatever the others do.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from stratum.errors import Unavailable
from stratum.settings import Settings


class Budget:
    """Places of one kind."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = BoundedSemaphore(size)

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Hold a place while the block lasts; False when all are taken."""
        if not self.take():
            yield False
            return
        try:
            yield True
        finally:
            self.leave()

    def take(self) -> bool:
        """Take a place, if there is one."""
        return self._free.acquire(blocking=False)

    def leave(self) -> None:
        """Give it back."""
        self._free.release()


class Transfers(Budget):
    """Places of those who send or fetch a pack, as slowly as they like; each belongs to its thread."""

    def __init__(self, size: int, what: str) -> None:
        super().__init__(size)
        self._what = what
        self._mine = threading.local()

    def enter(self) -> None:
        """Take a place for the request that this thread serves.

        Raises:
            Unavailable: all are taken.
        """
        if getattr(self._mine, "held", False):  # by a request whose end was never told
            return
        if not self.take():
            raise self._full()
        self._mine.held = True

    def check(self) -> None:
        """See that there is a place, for one who will ask for it in a moment.

        Raises:
            Unavailable: there is none.
        """
        if not self.take():
            raise self._full()
        self.leave()

    def exit(self) -> None:
        """Give the place back, unless that has been done."""
        if getattr(self._mine, "held", False):
            self._mine.held = False
            self.leave()

    def _full(self) -> Unavailable:
        return Unavailable(f"{self.size} {self._what} are under way already.", "Try again in a moment.")


class Places:
    """All budgets.

    Attributes:
        live: pushers who follow their builds.
        receiving: pushes before that, from their first byte on.
        fetches: clones and fetches.
        streams: the API's followers of logs.
        polls: its long polls.
    """

    def __init__(self, settings: Settings) -> None:
        self.live = Budget(settings.live_pushes)
        self.receiving = Transfers(settings.receiving_pushes, "pushes")
        self.fetches = Transfers(settings.fetches, "clones and fetches")
        self.streams = Budget(settings.streams)
        self.polls = Budget(settings.polls)

    @contextmanager
    def for_live(self, *, keeps_waiting: bool) -> Iterator[bool]:
        """Hold a place for a pusher who follows a build; False when all are taken.

        Args:
            keeps_waiting: the push cannot end before the build does; without a place here it keeps
                that of a push which is being received.
        """
        with self.live.held() as found:
            if found:
                self.receiving.exit()
            yield found or keeps_waiting

    @contextmanager
    def for_stream(self) -> Iterator[None]:
        """Hold a place for a stream of the API.

        Raises:
            Unavailable: all are taken.
        """
        with self.streams.held() as found:
            if not found:
                message = f"{self.streams.size} logs are being followed already."
                raise Unavailable(message, "Try again later, or look without following.")
            yield


def threads(settings: Settings) -> int:
    """How many threads the web process needs, so that no kind waits for another."""
    lasting = settings.live_pushes + settings.receiving_pushes + settings.fetches
    return settings.web_threads + lasting + settings.streams + settings.polls
