"""Who may work in a repository: any number of receives, or one upkeep, which gives way at once.

Unless it is urgent: receives wait for that one, up to PATIENCE_S. Where pushes leave no pause it would never
come to its end, and packs would pile up until every push is slow.

All of it happens in the one web process. What another one left when it was killed is ended before the
first request (`hooks.care.tender.clear`).
"""

import logging
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO

log = logging.getLogger(__name__)

POLITE_S = 2.0  # for git to remove its scratch and locks when it is told to end; it takes milliseconds
LONGEST_STEP_S = 6 * 3600.0
PATIENCE_S = 2.0  # with an urgent one; joining 350 small packs takes 0.2 s
GAP_WITHIN_S = 0.5  # an urgent one gives up when receives at work take longer; a gated one takes minutes
BUSY_AFTER = 25  # receives


class Upkeep:
    """One upkeep of one repository: programs, one after the other, until somebody needs the repository."""

    def __init__(self, repo: Path, *, is_urgent: bool = False) -> None:
        self.repo, self.is_urgent = repo, is_urgent
        self.gave_way = False
        self._gives_way_at: float | None = None  # known once somebody waits
        self.was_killed = False  # and may have left locks
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()

    def run(self, argv: Sequence[str], environ: Mapping[str, str], stdin: bytes | Path = b"") -> bool:
        """Run a program in the repository; whether it succeeded, with nobody needing the repository.

        Args:
            stdin: what it reads, or the file with it.
        """
        with _opened(stdin) as source:
            process = self._start(argv, environ, source)
            if process is None:
                return False
            said = self._said(process, stdin if isinstance(stdin, bytes) else None)
        if process.returncode and not self.gave_way:
            words = " ".join(argv) + ("" if isinstance(stdin, bytes) else f" < {stdin.name}")
            reason = said.decode("utf-8", "replace").strip()[-500:]
            log.warning("upkeep of %s failed: %s: %s", self.repo.name, words, reason)
        return process.returncode == 0 and not self.gave_way

    def _start(
        self, argv: Sequence[str], environ: Mapping[str, str], stdin: int | IO[bytes]
    ) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self.gave_way:
                return None
            self._running = subprocess.Popen(
                argv,
                cwd=self.repo,
                env=environ,
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            return self._running

    def _said(self, process: subprocess.Popen[bytes], stdin: bytes | None) -> bytes:
        """Await its end, and return what it had to say."""
        try:
            return process.communicate(stdin, timeout=LONGEST_STEP_S)[1]
        except subprocess.TimeoutExpired:
            self.was_killed = True
            self._signal(signal.SIGKILL)
            return process.communicate()[1]

    def give_way(self) -> None:
        """End it, politely if that is quick, and return when nothing of it is at work.

        An urgent one has PATIENCE_S to come to its end by itself, from when the first one waits.
        """
        if self.is_urgent and self._over.wait(self._patience_s()):
            return
        with self._lock:
            self.gave_way = True
        self._signal(signal.SIGTERM)
        if not self._over.wait(POLITE_S):
            self.was_killed = True
            self._signal(signal.SIGKILL)
            self._over.wait()

    def end(self) -> None:
        """Say that nothing of it is at work any more."""
        self._over.set()

    def _patience_s(self) -> float:
        with self._lock:
            if self._gives_way_at is None:
                self._gives_way_at = time.monotonic() + PATIENCE_S
            return max(0.0, self._gives_way_at - time.monotonic())

    def _signal(self, number: int) -> None:
        """Signal the program and all it started: they are a session of their own."""
        with self._lock:
            if self._running is not None and self._running.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(self._running.pid, number)


class Turns:
    """Of all repositories."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._receives: Counter[Path] = Counter()  # at work, or waiting for an upkeep
        self._at_work: Counter[Path] = Counter()
        self._ended: Counter[Path] = Counter()  # since the repository was last named as busy
        self._upkeep: Upkeep | None = None

    @contextmanager
    def receiving(self, repo: Path) -> Iterator[None]:
        """Have a repository without upkeep for the block; what is at work there ends first."""
        with self._counted(self._receives, repo):
            while (upkeep := self._begin_receive(repo)) is not None:
                upkeep.give_way()
            try:
                yield
            finally:
                self._end_receive(repo)

    @contextmanager
    def tending(self, repo: Path, *, is_urgent: bool = False) -> Iterator[Upkeep | None]:
        """Have a repository for an upkeep; None while it is being pushed to. One at a time.

        An urgent one keeps further receives waiting until those at work have ended, for GAP_WITHIN_S.
        """
        upkeep = Upkeep(repo, is_urgent=is_urgent)
        with self._changed:
            assert self._upkeep is None
            if is_urgent:
                self._upkeep = upkeep
                is_ours = self._changed.wait_for(lambda: not self._at_work[repo], GAP_WITHIN_S)
            else:
                is_ours = not self._receives[repo]
            self._upkeep = upkeep if is_ours else None
        try:
            yield upkeep if is_ours else None
        finally:
            with self._changed:
                self._upkeep = None
            upkeep.end()

    def busy(self, timeout_s: float) -> set[Path]:
        """Wait until a repository has had BUSY_AFTER receives since it was last named, and name all such."""
        with self._changed:
            self._changed.wait_for(self._named, timeout_s)
            found = self._named()
            for repo in found:
                del self._ended[repo]
        return found

    def _named(self) -> set[Path]:
        return {repo for repo, count in self._ended.items() if count >= BUSY_AFTER}

    def _begin_receive(self, repo: Path) -> Upkeep | None:
        """Count it, unless an upkeep is in the way, which is returned."""
        with self._changed:
            if self._upkeep is not None and self._upkeep.repo == repo:
                return self._upkeep
            self._at_work[repo] += 1
            return None

    def _end_receive(self, repo: Path) -> None:
        with self._changed:
            _take_one(self._at_work, repo)
            self._ended[repo] += 1
            if self._upkeep is not None or self._ended[repo] >= BUSY_AFTER:  # else nobody waits for it
                self._changed.notify_all()

    @contextmanager
    def _counted(self, counter: Counter[Path], repo: Path) -> Iterator[None]:
        with self._changed:
            counter[repo] += 1
        try:
            yield
        finally:
            with self._changed:
                _take_one(counter, repo)


@contextmanager
def _opened(stdin: bytes | Path) -> Iterator[int | IO[bytes]]:
    if isinstance(stdin, bytes):
        yield subprocess.PIPE
        return
    with stdin.open("rb") as file:
        yield file


def _take_one(counter: Counter[Path], repo: Path) -> None:
    counter[repo] -= 1
    if not counter[repo]:
        del counter[repo]


TURNS = Turns()  # of this process; forked before anybody has a turn


def receiving(repo: Path) -> AbstractContextManager[None]:
    """Hold a repository for a receive, from before git starts until it has ended.

    An upkeep at work there ends first, which takes milliseconds, or PATIENCE_S if it is urgent; none begins
    before the block has ended.
    """
    return TURNS.receiving(repo)
