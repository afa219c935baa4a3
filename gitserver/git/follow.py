"""The build's log, live, to the person who pushed.

What has happened is in the database and what was said is in the log; both are written by others.
They write their last lines before they record an end, so reading the log once more after the end
has been seen misses nothing.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import BoundedSemaphore

from gitserver.git.client import Client
from stratum.buildlog import ARROW, BANG, INDENT, read_from
from stratum.errors import Unavailable
from stratum.instance import Instance
from stratum.model import Build, BuildState
from stratum.store import Database, builds, rollouts

log = logging.getLogger(__name__)

FILE_POLL_S = 0.01
STATE_POLL_S = 0.05
# A last line is soon followed by the end that the database records, for which the pusher waits.
STATE_POLL_AFTER_LINE_S = 0.01
LINE_IS_FRESH_S = 0.1
KEEPALIVE_S = 5.0
QUEUED_NOTE_S = 3.0
LIMIT_S = 2 * 3600.0


@dataclass(frozen=True, slots=True)
class Following:
    """What every follower needs.

    Attributes:
        places: those of all that waits (gitserver/places.py).
    """

    instance: Instance
    database: Database
    places: BoundedSemaphore

    def follow(self, build: Build, client: Client) -> Iterator[bytes]:
        """Give whole lines of the build's log until build and rollout are done; nothing as a keepalive."""
        if not self.places.acquire(blocking=False):
            yield (
                f"{ARROW}Too many pushes are being followed; build #{build.number} goes on without you\n"
                f"{INDENT}To see it: stratum builds\n"
            ).encode()
            return
        try:
            yield from _Follower(self, build, client).lines()
        finally:
            self.places.release()


class _Follower:
    def __init__(self, following: Following, build: Build, client: Client) -> None:
        self._database, self._build, self._client = following.database, build, client
        self._path = following.instance.layout.build_log(build.app_id, build.number)
        self._offset = 0
        self._partial = b""
        self._began = self._spoke = time.monotonic()
        self._asked = 0.0
        self._done = False
        self._noted = False

    def lines(self) -> Iterator[bytes]:
        while not self._client.is_gone():
            done = self._is_done()  # asked before reading: what was said before the end is then read
            said = self._read() or (b"" if done else self._note())
            if said:
                self._spoke = time.monotonic()
                yield said
            elif done:
                break
            elif self._is_late():
                yield f"{BANG}Build #{self._build.number} goes on; it is no longer followed here.\n".encode()
                break
            elif time.monotonic() - self._spoke > KEEPALIVE_S:
                self._spoke = time.monotonic()
                yield b""
            else:
                self._client.wait(FILE_POLL_S)
        if self._partial:
            yield self._partial + b"\n"

    def _is_late(self) -> bool:
        return time.monotonic() - self._began > LIMIT_S

    def _read(self) -> bytes:
        """Read further; keep the beginning of a line for later."""
        data = read_from(self._path, self._offset)
        self._offset += len(data)
        whole, newline, self._partial = (self._partial + data).rpartition(b"\n")
        return whole + newline

    def _note(self) -> bytes:
        """Say once that the build waits for its turn."""
        waited = time.monotonic() - self._began > QUEUED_NOTE_S
        if self._noted or self._offset or not waited or self._build.state is not BuildState.QUEUED:
            return b""
        self._noted = True
        return f"{ARROW}Build #{self._build.number} waits for its turn\n".encode()

    def _is_done(self) -> bool:
        now = time.monotonic()
        pause_s = STATE_POLL_AFTER_LINE_S if now - self._spoke < LINE_IS_FRESH_S else STATE_POLL_S
        if not self._done and now - self._asked >= pause_s:
            with suppress(Unavailable):  # the build goes on whether or not we can see it
                self._done = self._ask()
            self._asked = time.monotonic()
        return self._done

    def _ask(self) -> bool:
        """Whether there is nothing to wait for: build ended, and what it released is up or has failed."""
        with self._database.read() as tx:
            build = builds.find_build(tx, self._build.app_id, self._build.number)
            if build is None:  # the app has been destroyed
                return True
            rollout = rollouts.rollout_of_build(tx, build.id)
        self._build = build
        return build.state.is_terminal and (rollout is None or rollout.state.is_settled)
