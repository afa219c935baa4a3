"""Watches a step while it runs, and tells as soon as it is over a limit."""

import os
from pathlib import Path

from stratum.door import proc
from stratum.door.fencing.inside import Started
from stratum.door.limits import usage
from stratum.door.limits.filling import Filling
from stratum.door.limits.limits import DISK, MEMORY, PROCESSES, Limits

LOOK_MS = 100
_COUNT_S = 0.02


class Watch:
    """Looks at the processes and folders of one step."""

    def __init__(self, limits: Limits, started: Started, folders: tuple[Path, ...]) -> None:
        """Take the step, and the folders that it may fill."""
        self._limits = limits
        self._own = started.processes is not None
        self._proc = (
            os.open("/proc", os.O_RDONLY | os.O_DIRECTORY) if started.processes is None else started.processes
        )
        self._filling = Filling(folders)

    def close(self) -> None:
        """Let go of what was opened here."""
        if not self._own:
            os.close(self._proc)

    def look(self) -> str:
        """Return the name of the limit that is broken; empty for none."""
        pids = usage.inside(self._proc) if self._own else self._descendants()
        if usage.threads(self._proc, pids) > self._limits.processes:
            return PROCESSES
        if usage.is_above(self._proc, pids, self._limits.memory_bytes):
            return MEMORY
        return DISK if self._filling.is_above(self._limits.disk_bytes, _COUNT_S) else ""

    def _descendants(self) -> list[int]:
        """List our own: what the step sets loose becomes our child."""
        return list(proc.descendants(proc.snapshot(), os.getpid()))
