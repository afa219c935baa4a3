"""Who is left of a process group whose leader has ended. Loaded into supervisord."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

SHORTEST_S, LONGEST_S = 0.02, 0.5
_GROWTH = 1.25  # so the end of a group is noticed late by a quarter of how long it took, at most
_GONE = (b"Z", b"X")


def kill(group: int) -> None:
    """End what is left of a group at once; none left is no error."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def may_live(group: int) -> bool:
    """Whether a group has a member at all; a zombie is one, and where PID 1 reaps nothing stays for ever."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # a member with another uid, possible only unfenced
        return True
    return True


class Watch:
    """Looks which groups have living members: once for all that are asked about, and less and less often.

    A look reads the state of every process of the host, and supervisord does nothing else meanwhile.
    """

    def __init__(self, look: Callable[[], set[int]] | None = None) -> None:
        self._look = look or living
        self._found: set[int] = set()
        self.again()

    def again(self) -> None:
        """Look at the next question, and often from then on: there is another group, or one was killed."""
        self._next, self._pause_s = 0.0, SHORTEST_S

    def lives(self, group: int) -> bool:
        """Whether a group has a living member, as far as was last seen."""
        if not may_live(group):
            return False
        now = time.monotonic()
        if now >= self._next:
            try:
                self._found = self._look()
            except OSError:  # no file may be opened at the moment, and supervisord would end
                return True
            self._next = now + self._pause_s
            self._pause_s = min(LONGEST_S, self._pause_s * _GROWTH)
        return group in self._found

    def due_s(self) -> float:
        """How long to wait until there may be news."""
        return max(SHORTEST_S, self._next - time.monotonic())


def living() -> set[int]:
    """Find all process groups with a living member."""
    found = (_group(folder) for folder in Path("/proc").iterdir() if folder.name.isdigit())
    return {group for group in found if group is not None}


def _group(folder: Path) -> int | None:
    try:
        fields = (folder / "stat").read_bytes().rpartition(b") ")[2].split()
    except OSError:  # it ended meanwhile
        return None
    return None if fields[0] in _GONE else int(fields[2])
