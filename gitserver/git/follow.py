"""The build's log, live, to the person who pushed.

What has happened is in the database and what was said is in the log; both are written by others, and
watched by one thread for all (gitserver/watch.py). They write their last lines before they record an
end, so reading the log once more after the end has been seen misses nothing.
"""

import math
import time
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakKeyDictionary

from gitserver.git.client import Client
from gitserver.places import Places
from gitserver.watch import Subject, Watcher
from stratum.buildlog import ARROW, BANG, INDENT, follow_command, read_from, superseded
from stratum.instance import Instance
from stratum.model import App, Build, BuildState
from stratum.store.progress import BuildProgress

KEEPALIVE_S = 5.0
LIMIT_S = 2 * 3600.0
WAITS_FOR_BUILD_S = 0.3
WAITS_FOR_BUILDER_S = 3.0


@dataclass(frozen=True, slots=True)
class Following:
    """What every follower needs."""

    instance: Instance
    watcher: Watcher
    places: Places
    _followers: MutableMapping[Client, "_Follower"] = field(default_factory=WeakKeyDictionary)

    def follow(self, app: App, build: Build, client: Client) -> Iterator[bytes]:
        """Give whole lines of the build's log until build and rollout are done; nothing as a keepalive.

        A gated build is done when it is built; followed again by the same client, when its push has
        been accepted, it goes on where it was.
        """
        follower = self._followers.setdefault(client, _Follower(self))
        with self.places.for_live(keeps_waiting=_is_awaited(build)) as found:
            yield from follower.lines(app, build, client) if found else (self._crowded(app, build),)

    def _crowded(self, app: App, build: Build) -> bytes:
        command = follow_command(app.environment.name, app.name, build.number)
        return (
            f"{ARROW}Build #{build.number} goes on without you: {self.places.live.size} pushes are being "
            f"followed already\n{INDENT}To follow it: {command}\n"
        ).encode()


class _Follower:
    def __init__(self, following: Following) -> None:
        self._following = following
        self._offset = 0
        self._partial = b""
        self._began = self._spoke = time.monotonic()
        self._is_told_how = False
        self._place = _Place(following.instance.settings.builders)

    def lines(self, app: App, build: Build, client: Client) -> Iterator[bytes]:
        if not self._is_told_how:
            self._is_told_how = True
            command = follow_command(app.environment.name, app.name, build.number)
            yield f"{INDENT}To follow it again: {command}\n".encode()
        path = self._following.instance.layout.build_log(build.app_id, build.number)
        subject = Subject(build=build.id, paths=(str(path),))
        with self._following.watcher.watching(subject, client) as watch:
            while not client.is_gone():
                news = watch.news  # before reading: what was said before the end is then read
                said = self._told(app, build, path, news.build)
                if said:
                    self._spoke = time.monotonic()
                    yield said
                elif news.is_gone or (news.build is not None and _is_done(build, news.build)):
                    break
                elif not _is_awaited(build) and time.monotonic() - self._began > LIMIT_S:
                    yield f"{BANG}Build #{build.number} goes on; it is no longer followed here.\n".encode()
                    break
                elif time.monotonic() - self._spoke >= KEEPALIVE_S:
                    self._spoke = time.monotonic()
                    yield b""
                else:
                    keepalive_s = self._spoke + KEEPALIVE_S - time.monotonic()
                    watch.wait(min(keepalive_s, self._place.patience_s()))
        if self._partial:
            yield self._partial + b"\n"
            self._partial = b""

    def _told(self, app: App, build: Build, path: Path, progress: BuildProgress | None) -> bytes:
        if said := self._read(path):
            self._place.overtake(app, build, progress, said)
            return said
        return self._place.note(app, build, progress)

    def _read(self, path: Path) -> bytes:
        """Read on to the end of some line, or of the log; keep the beginning of a line for later."""
        while data := read_from(path, self._offset):
            self._offset += len(data)
            whole, newline, self._partial = (self._partial + data).rpartition(b"\n")
            if newline:
                return whole + newline
        return b""


def _is_awaited(build: Build) -> bool:
    """Whether its push waits for it, however long it takes; the build has a limit of its own."""
    return bool(build.gate) and build.push_id is None


class _Place:
    """What a build waits for, or what has taken its place: told once each, when it lasts."""

    def __init__(self, builders: int) -> None:
        self._builders = builders
        self._told = self._found = ""
        self._due = 0.0
        self._last_line = b""  # of the log

    def note(self, app: App, build: Build, progress: BuildProgress | None) -> bytes:
        if progress is None:
            return b""
        now = time.monotonic()
        found = place_of(app, build.number, progress, self._builders)
        if found != self._found:
            self._found, self._due = found, now + _grace_s(progress)
        if not found or found == self._told or now < self._due:
            return b""
        self._told = found
        line = f"{ARROW}{found}\n".encode()
        return b"" if line == self._last_line else line

    def overtake(self, app: App, build: Build, progress: BuildProgress | None, said: bytes) -> None:
        """Note that the log goes on, so that the build waits no more where it was last seen to."""
        self._last_line = said.splitlines(keepends=True)[-1]
        if progress is not None and progress.state is BuildState.QUEUED:
            self._told = self._found = place_of(app, build.number, progress, self._builders)

    def patience_s(self) -> float:
        """How long until a note is due though nothing happens."""
        is_due = bool(self._found) and self._found != self._told
        return self._due - time.monotonic() if is_due else math.inf


def place_of(app: App, number: int, progress: BuildProgress, builders: int) -> str:
    """Say what a build waits for, or gave way to; nothing when it is neither."""
    if progress.state is BuildState.SUPERSEDED and progress.superseded_by is not None:
        return superseded(app.environment.name, app.name, progress.superseded_by)
    if progress.state is not BuildState.QUEUED:
        return ""
    if progress.ahead:
        return f"Build #{number} waits: {progress.ahead} build{'s' * (progress.ahead > 1)} before it"
    if progress.running >= builders:
        return f"Build #{number} is next: all builders ({builders}) are busy with other apps"
    return f"Build #{number} waits for a builder"


def _grace_s(progress: BuildProgress) -> float:
    """How long a place has to last to be worth a line: a builder takes a build at once when it can."""
    if progress.state is not BuildState.QUEUED:
        return 0.0
    return WAITS_FOR_BUILD_S if progress.ahead else WAITS_FOR_BUILDER_S


def _is_done(build: Build, progress: BuildProgress) -> bool:
    """Whether there is nothing to wait for; a gated build waits for us, before its push is accepted."""
    is_ours_to_take = bool(build.gate) and build.push_id is None and progress.is_held
    return progress.is_settled or is_ours_to_take
