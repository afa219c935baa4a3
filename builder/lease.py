"""Holding on to a claimed build: its lease is renewed for as long as somebody works on it."""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from stratum.errors import Unavailable
from stratum.model import Build
from stratum.store import Database, builds

log = logging.getLogger(__name__)

RENEW_EVERY_S = builds.LEASE_S / 3


@contextmanager
def held(db: Database, build: Build) -> Iterator[None]:
    """Renew the lease of a build while the block runs.

    Who has lost it, by being stopped for longer than it lasts, may record nothing any more: the
    process then ends at once, and with it all that it started.
    """
    done = threading.Event()
    beat = threading.Thread(target=_beat, args=(db, build, done), name="lease")
    beat.start()
    try:
        yield
    finally:
        done.set()
        beat.join()


def _beat(db: Database, build: Build, done: threading.Event) -> None:
    while not done.wait(RENEW_EVERY_S):
        try:
            with db.write() as tx:
                kept = builds.renew(tx, build)
        except Unavailable as error:
            log.warning("the lease of build %d was not renewed, trying again: %s", build.id, error)
            continue
        if not kept and not done.is_set():
            log.error("build %d of app %d was lost to somebody else", build.number, build.app_id)
            os._exit(1)
