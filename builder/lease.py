"""Holding on to a claimed build: its lease is renewed for as long as somebody works on it."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from builder.bench import Bench
from stratum.errors import Unavailable
from stratum.model import Build
from stratum.store import builds

log = logging.getLogger(__name__)

RENEW_EVERY_S = builds.LEASE_S / 4
LOOK_EVERY_S = 0.1
CALLED_OFF_S = 10.0  # ends what a build has begun, and clears it away; the rest can be done by another


@contextmanager
def held(bench: Bench) -> Iterator[None]:
    """Renew the lease of a build while the block runs, and see whether the build is still wanted.

    Who has lost it, by being stopped for longer than it lasts, may record nothing any more: the
    process then ends at once, and with it all that it started. So does one that stands still: the
    reconciler takes its build back.
    """
    done = threading.Event()
    beat = threading.Thread(target=_Beat(bench).go_on, args=(done,), name="lease")
    beat.start()
    try:
        yield
    finally:
        done.set()
        beat.join()


class _Beat:
    def __init__(self, bench: Bench) -> None:
        self._db, self._build, self._bench = bench.shop.db, bench.build, bench
        self._renewed = time.monotonic()
        self._called_off: float | None = None

    def go_on(self, done: threading.Event) -> None:
        """Look whenever somebody has written something, and renew in time, until it is over."""
        while not done.is_set():
            try:
                with closing(self._db.changes()) as changes:
                    is_first = True  # what was written since the claim, and before this, is none of them
                    while not done.wait(LOOK_EVERY_S):
                        self._beat(done, is_news=changes.happened() or is_first)
                        is_first = False
            except Unavailable as error:
                log.warning("the lease of build %d was not renewed, trying again: %s", self._build.id, error)
                done.wait(LOOK_EVERY_S)
            except Exception:
                log.exception("the lease of build %d cannot be kept, so its builder ends", self._build.id)
                os._exit(1)

    def _beat(self, done: threading.Event, *, is_news: bool) -> None:
        build, is_due = self._build, time.monotonic() - self._renewed >= RENEW_EVERY_S
        if self._bench.is_overdue or self._does_not_end():
            log.error("build %d of app %d stands still", build.number, build.app_id)
            os._exit(1)
        if not is_due and not is_news:
            return
        found = self._renew() if is_due else self._look()
        if done.is_set():
            return
        if found is None:
            log.error("build %d of app %d was lost to somebody else", build.number, build.app_id)
            os._exit(1)
        if found.error:
            self._bench.call_off()
            self._called_off = self._called_off or time.monotonic()

    def _does_not_end(self) -> bool:
        return self._called_off is not None and time.monotonic() - self._called_off > CALLED_OFF_S

    def _look(self) -> Build | None:
        with self._db.read() as tx:
            return builds.held(tx, self._build)

    def _renew(self) -> Build | None:
        with self._db.write() as tx:
            builds.renew(tx, self._build)
            found = builds.held(tx, self._build)
        self._renewed = time.monotonic()
        return found
