"""Who may work in a repository: any number of receives, or one upkeep, which gives way at once.

All of it happens in the one web process. What another one left when it was killed is ended before the
first request (`hooks.care.tender.clear`).
"""

import logging
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

log = logging.getLogger(__name__)

POLITE_S = 2.0  # for git to remove its scratch and locks when it is told to end; it takes milliseconds
LONGEST_STEP_S = 6 * 3600.0


class Upkeep:
    """One upkeep of one repository: programs, one after the other, until somebody needs the repository."""

    def __init__(self, repo: Path) -> None:
        self.repo = repo
        self.gave_way = False
        self.was_killed = False  # and may have left locks
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()

    def run(self, argv: Sequence[str], environ: Mapping[str, str], stdin: bytes = b"") -> bool:
        """Run a program in the repository; whether it succeeded, with nobody needing the repository."""
        with self._lock:
            if self.gave_way:
                return False
            self._running = process = subprocess.Popen(
                argv,
                cwd=self.repo,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        try:
            _, said = process.communicate(stdin, timeout=LONGEST_STEP_S)
        except subprocess.TimeoutExpired:
            self.was_killed = True
            self._signal(signal.SIGKILL)
            _, said = process.communicate()
        if process.returncode and not self.gave_way:
            reason = said.decode("utf-8", "replace").strip()[-500:]
            log.warning("upkeep of %s failed: %s: %s", self.repo.name, " ".join(argv), reason)
        return process.returncode == 0 and not self.gave_way

    def give_way(self) -> None:
        """End it, politely if that is quick, and return when nothing of it is at work."""
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

    def _signal(self, number: int) -> None:
        """Signal the program and all it started: they are a session of their own."""
        with self._lock:
            if self._running is not None and self._running.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(self._running.pid, number)


class Turns:
    """Of all repositories."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._receives: Counter[Path] = Counter()
        self._upkeep: Upkeep | None = None

    @contextmanager
    def receiving(self, repo: Path) -> Iterator[None]:
        """Have a repository without upkeep for the block; what is at work there ends first."""
        with self._lock:
            self._receives[repo] += 1
            upkeep = self._upkeep if self._upkeep is not None and self._upkeep.repo == repo else None
        try:
            if upkeep is not None:
                upkeep.give_way()
            yield
        finally:
            with self._lock:
                self._receives[repo] -= 1
                if not self._receives[repo]:
                    del self._receives[repo]

    @contextmanager
    def tending(self, repo: Path) -> Iterator[Upkeep | None]:
        """Have a repository for an upkeep; None while it is being pushed to. One at a time."""
        with self._lock:
            assert self._upkeep is None
            upkeep = None if self._receives[repo] else Upkeep(repo)
            self._upkeep = upkeep
        try:
            yield upkeep
        finally:
            with self._lock:
                self._upkeep = None
            if upkeep is not None:
                upkeep.end()


TURNS = Turns()  # of this process; forked before anybody has a turn


def receiving(repo: Path) -> AbstractContextManager[None]:
    """Hold a repository for a receive, from before git starts until it has ended.

    An upkeep at work there ends first, which takes milliseconds; none begins before the block has ended.
    """
    return TURNS.receiving(repo)
