"""How many requests of each kind may last: each holds a thread of the web process as long as it does.

The budgets are apart, so that no kind can take the threads of another. Ordinary requests, which end by
themselves, but as slowly as their clients read, have one, too: some threads are left for whoever signs
in, or asks whether anybody is there.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from stratum.errors import Unavailable
from stratum.settings import Settings

WAITING = 32  # ordinary requests that may wait for a place, as most end in a moment
WAIT_S = 5.0
DELIVERIES = 16  # of web hooks, each with up to 25 MiB in memory, by whoever knows an address
SPARE = 8  # threads that no budget gives away


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
    """Places of those who send or fetch, as slowly as they like; each belongs to its thread."""

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
        if not self._take_mine():
            raise self._full()
        self._mine.held = True

    def exit(self) -> None:
        """Give the place back, unless that has been done."""
        if getattr(self._mine, "held", False):
            self._mine.held = False
            self.leave()

    def _take_mine(self) -> bool:
        return self.take()

    def _full(self) -> Unavailable:
        return Unavailable(f"{self.size} {self._what} are under way already.", "Try again in a moment.")


class Ordinary(Transfers):
    """Places of requests that end by themselves; some may wait for theirs."""

    def __init__(self, size: int, what: str = "requests") -> None:
        super().__init__(size, what)
        self._waiting = Budget(WAITING)

    def _take_mine(self) -> bool:
        if self.take():
            return True
        with self._waiting.held() as may_wait:
            return may_wait and self._free.acquire(timeout=WAIT_S)


class Places:
    """All budgets.

    Attributes:
        live: pushers who follow their builds.
        receiving: pushes before that, from the list of refs on.
        fetches: clones and fetches, and their lists of refs.
        streams: the API's readers of logs, whether they follow or not.
        polls: its long polls.
        deliveries: what web hooks' senders deliver, who do not sign in.
        ordinary: all that is none of these, and has signed in.
    """

    def __init__(self, settings: Settings) -> None:
        self.live = Budget(settings.live_pushes)
        self.receiving = Transfers(settings.receiving_pushes, "pushes")
        self.fetches = Transfers(settings.fetches, "clones and fetches")
        self.streams = Budget(settings.streams)
        self.polls = Budget(settings.polls)
        self.deliveries = Ordinary(DELIVERIES, "deliveries")
        self.ordinary = Ordinary(settings.web_threads)

    def leave(self) -> None:
        """Give back what the request that this thread serves still has of those that belong to threads."""
        for transfers in (self.receiving, self.fetches, self.deliveries, self.ordinary):
            transfers.exit()

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
        """Hold a place for a reader of a log, in place of that of an ordinary request.

        Raises:
            Unavailable: all are taken.
        """
        with self.streams.held() as found:
            if not found:
                message = f"{self.streams.size} logs are being read already."
                raise Unavailable(message, "Try again in a moment.")
            self.ordinary.exit()
            yield

    @contextmanager
    def for_poll(self) -> Iterator[bool]:
        """Hold a place for a long poll, in place of that of an ordinary request; False when all are taken."""
        with self.polls.held() as found:
            if found:
                self.ordinary.exit()
            yield found


def threads(settings: Settings) -> int:
    """How many threads the web process needs, so that no kind waits for another."""
    lasting = settings.live_pushes + settings.receiving_pushes + settings.fetches
    ordinary = settings.web_threads + WAITING + DELIVERIES + WAITING
    return ordinary + SPARE + lasting + settings.streams + settings.polls
