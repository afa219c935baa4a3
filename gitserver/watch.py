"""One thread that looks for all who follow: whether logs grow, states change, callers leave.

A follower is a thread that sleeps until something concerns it: it looks at no file and holds no
connection to the database meanwhile. Two hundred of them that looked themselves would take turns at
the interpreter's lock with every request.
"""

import logging
import os
import select
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from stratum.errors import Unavailable
from stratum.store import Changes, Database, progress
from stratum.store.progress import BuildProgress, RolloutProgress

log = logging.getLogger(__name__)

TICK_S = 0.01
# The more is followed, the longer a look takes; no more of a processor goes into looking than this.
SHARE = 0.1
MAX_REST_S = 0.25
LINGER_S = 30.0

_Signature = tuple[int, int] | None


class Caller(Protocol):
    """Who follows: a connection to look at; -1: that would tell nothing."""

    def fileno(self) -> int: ...  # noqa: D102  # it is io's own


@dataclass(frozen=True, slots=True)
class Subject:
    """What somebody follows: ids of rows, and files; each may be left out."""

    build: int | None = None
    rollout: int | None = None
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class News:
    """What the database says of a subject; nothing yet before it was asked.

    Attributes:
        is_gone: the row is gone, and its app with it.
    """

    build: BuildProgress | None = None
    rollout: RolloutProgress | None = None
    is_gone: bool = False


class Watch:
    """One follower's. What it shows was true when `wait` returned, or later.

    Attributes:
        news: of its build or rollout.
        commits: how often the database was seen to have changed.
        paths: the files looked at; may be replaced.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.news = News()
        self.commits = 0
        self.paths: Sequence[str] = subject.paths
        self._signatures: Sequence[_Signature] = ()
        self._event = threading.Event()

    def wait(self, seconds: float) -> None:
        """Sleep until there is news, a file has changed, or the caller has gone; or for so long."""
        self._event.wait(max(0.0, seconds))
        self._event.clear()

    def wake(self) -> None:
        """End the sleep."""
        self._event.set()

    def learn(self, news: News) -> None:
        """Take in what the database says."""
        if news != self.news:
            self.news = news
            self.wake()

    def compare(self, signatures: Sequence[_Signature]) -> None:
        """Take in how the files are."""
        if signatures != self._signatures:
            self._signatures = signatures
            self.wake()


class Watcher:
    """Looks for all watches of the process; its thread lives only while there are any, and a while after.

    Made before the fork, it starts nothing until it is first used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._watches: dict[Watch, int] = {}  # with their callers' descriptors
        self._by_descriptor: dict[int, Watch] = {}
        self._wanted = threading.Event()
        self._round: _Round | None = None

    @contextmanager
    def watching(self, subject: Subject, caller: Caller) -> Iterator[Watch]:
        """Look for somebody as long as the block lasts."""
        watch = Watch(subject)
        self._add(watch, caller.fileno())
        try:
            yield watch
        finally:
            self._remove(watch)

    def _add(self, watch: Watch, descriptor: int) -> None:
        with self._lock:
            if self._round is None:
                round_ = _Round(self._database)
                threading.Thread(target=self._run, args=(round_,), name="watcher", daemon=True).start()
                self._round = round_
            if descriptor >= 0:
                self._round.callers.register(descriptor, select.EPOLLRDHUP | select.EPOLLONESHOT)
                self._by_descriptor[descriptor] = watch
            self._watches[watch] = descriptor
            self._round.is_due = True
            self._wanted.set()

    def _remove(self, watch: Watch) -> None:
        with self._lock:
            descriptor = self._watches.pop(watch)
            if self._by_descriptor.pop(descriptor, None) is not None and self._round is not None:
                with suppress(OSError):  # the caller's connection is closed already
                    self._round.callers.unregister(descriptor)
            if not self._watches:
                self._wanted.clear()

    # -- the thread
    def _run(self, round_: "_Round") -> None:
        while self._is_wanted():
            try:
                began = time.thread_time()
                round_.look(*self._present(round_))
                self._rest(round_, time.thread_time() - began)
            except Exception:
                round_.is_due = True
                log.exception("watching for followers failed; trying again")
                time.sleep(1)
        round_.close()

    def _is_wanted(self) -> bool:
        """Wait for somebody; False when nobody has come for a while, and the thread is to end."""
        if self._wanted.wait(LINGER_S):
            return True
        with self._lock:
            if self._watches:
                return True
            self._round = None
        return False

    def _present(self, round_: "_Round") -> tuple[list[Watch], bool]:
        """Return all watches, and whether the database has to be asked for one of them, both as of now."""
        with self._lock:
            is_due, round_.is_due = round_.is_due, False
            return list(self._watches), is_due

    def _rest(self, round_: "_Round", worked_s: float) -> None:
        """Sleep, and wake whose caller leaves meanwhile."""
        rest_s = min(max(TICK_S, worked_s / SHARE), MAX_REST_S)
        for descriptor, _ in round_.callers.poll(rest_s):
            watch = self._by_descriptor.get(descriptor)
            if watch is not None:
                watch.wake()


class _Round:
    """What the thread looks with.

    Attributes:
        callers: their connections, each reported once.
        is_due: the database has to be asked even if nothing has changed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes: Changes | None = None
        self.callers = select.epoll()
        self.is_due = True
        self._commits = 0

    def close(self) -> None:
        self.callers.close()
        if self._changes is not None:
            self._changes.close()

    def look(self, watches: Sequence[Watch], is_due: bool) -> None:
        """Wake those whom something concerns.

        The database comes first: who sees the end in it then finds all that was written before.
        """
        try:
            if self._is_news() or is_due:
                self._ask(watches)
        except Unavailable:  # what is followed goes on whether or not we can see it
            self.is_due = True
        _look_at_files(watches)

    def _is_news(self) -> bool:
        if self._changes is None:
            self._changes = self._database.changes()
        happened = self._changes.happened()
        self._commits += happened
        return happened

    def _ask(self, watches: Sequence[Watch]) -> None:
        subjects = [watch.subject for watch in watches]
        build_ids = {subject.build for subject in subjects if subject.build is not None}
        rollout_ids = {subject.rollout for subject in subjects if subject.rollout is not None}
        with self._database.read() as tx:
            builds = progress.of_builds(tx, build_ids) if build_ids else {}
            rollouts = progress.of_rollouts(tx, rollout_ids) if rollout_ids else {}
        for watch in watches:
            watch.commits = self._commits
            watch.learn(_news(watch.subject, builds, rollouts))


def _news(
    subject: Subject, builds: Mapping[int, BuildProgress], rollouts: Mapping[int, RolloutProgress]
) -> News:
    build = None if subject.build is None else builds.get(subject.build)
    rollout = None if subject.rollout is None else rollouts.get(subject.rollout)
    is_gone = (subject.build is not None and build is None) or (
        subject.rollout is not None and rollout is None
    )
    return News(build, rollout, is_gone)


def _look_at_files(watches: Sequence[Watch]) -> None:
    seen: dict[str, _Signature] = {}  # each file once, however many follow it
    for watch in watches:
        paths = watch.paths
        for path in paths:
            if path not in seen:
                seen[path] = _signature(path)
        watch.compare([seen[path] for path in paths])


def _signature(path: str) -> _Signature:
    """What changes when a file is made, appended to, cut or replaced."""
    try:
        status = os.stat(path)  # noqa: PTH116  # at each look at each log: a Path takes three times as long
    except OSError:
        return None
    return status.st_ino, status.st_size
