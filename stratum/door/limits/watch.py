"""Watches a step while it runs, and tells as soon as it is over a limit."""

import os
from contextlib import suppress
from pathlib import Path

from stratum.door import proc
from stratum.door.fencing.inside import Started
from stratum.door.limits import openfiles, usage
from stratum.door.limits.filling import Filling
from stratum.door.limits.limits import DISK, MEMORY, PROCESSES, Limits

LOOK_MS = 100
_COUNT_S = 0.02
_FIRST = 1  # in there is a fork of ours, or bubblewrap: what it shares with us is not the step's


class Watch:
    """Looks at the processes and folders of one step."""

    def __init__(self, limits: Limits, started: Started, folders: tuple[Path, ...]) -> None:
        """Take the step, and the folders that it may fill."""
        self._limits = limits
        self._own = started.processes is not None
        self._proc = (
            os.open("/proc", os.O_RDONLY | os.O_DIRECTORY) if started.processes is None else started.processes
        )
        self._pids: list[int] = []
        self._devices = _devices(folders)
        self._filling = Filling(folders, self._nameless)

    def close(self) -> None:
        """Let go of what was opened here."""
        self._filling.close()
        if not self._own:
            os.close(self._proc)

    def look(self) -> str:
        """Return the name of the limit that is broken; empty for none."""
        pids = self._pids = self._inside() if self._own else self._descendants()
        if usage.threads(self._proc, pids) > self._limits.processes:
            return PROCESSES
        if usage.is_above(self._proc, pids, self._limits.memory_bytes):
            return MEMORY
        return DISK if self._filling.is_above(self._limits.disk_bytes, _COUNT_S) else ""

    def look_at_end(self) -> str:
        """Do so when all of the step's processes have ended, as far as anything is left of it then."""
        return DISK if self._filling.is_above_at_end(self._limits.disk_bytes) else ""

    def has_full_file(self) -> bool:
        """Whether there is a file as large as one may become."""
        return self._filling.has_file_of(self._limits.disk_bytes)

    def _nameless(self) -> int:
        return openfiles.nameless(self._proc, self._pids, self._devices)

    def _inside(self) -> list[int]:
        return [pid for pid in usage.inside(self._proc) if pid != _FIRST]

    def _descendants(self) -> list[int]:
        """List our own: what the step sets loose becomes our child."""
        return list(proc.descendants(proc.snapshot(), os.getpid()))


def _devices(folders: tuple[Path, ...]) -> frozenset[int]:
    found = set()
    for folder in folders:
        with suppress(OSError):
            found.add(folder.stat().st_dev)
    return frozenset(found)
