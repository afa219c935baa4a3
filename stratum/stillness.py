"""Ends processes of `_work` that were stopped (SIGSTOP) and are left so: nobody would do their work.

The web process looks, since all of `_work` may stand still at once. Whoever is ended is started again by its
master, or by supervisord, and what it had begun is taken back by the reconciler.
"""

import logging
import os
import signal
import time
from pathlib import Path

from stratum.door import proc
from stratum.layout import Layout

log = logging.getLogger(__name__)

EVERY_S = 2.0
LIMIT_S = 5.0
MAX_STEP_S = 3.0  # we may have been stopped ourselves, with the whole machine
_PROGRAM = b"\0stratum.prefork\0"
_STOPPED = b"T"  # proc(5); one that is being debugged is "t", and left alone


class Watchdog:
    """Looks at one instance again and again."""

    def __init__(self, layout: Layout) -> None:
        self._data = str(layout.data)
        self._stopped_s: dict[proc.Key, float] = {}
        self._looked_at = time.monotonic()

    def look(self) -> None:
        """End who has stood still for too long; does nothing when it was asked a moment ago."""
        now = time.monotonic()
        if now - self._looked_at < EVERY_S:
            return
        step_s, self._looked_at = min(now - self._looked_at, MAX_STEP_S), now
        before, self._stopped_s = self._stopped_s, {}
        for process in proc.snapshot(lambda uid: uid == os.geteuid()).values():
            if not _is_stopped(process.pid) or not self._is_ours(process.pid):
                continue
            stopped_s = before[process.key] + step_s if process.key in before else 0.0
            self._stopped_s[process.key] = stopped_s
            if stopped_s >= LIMIT_S:
                log.error(
                    "process %d of _work has stood still for %.0f s, and is ended", process.pid, stopped_s
                )
                proc.send(process, signal.SIGKILL)

    def _is_ours(self, pid: int) -> bool:
        """Whether it is the master, or a fork of it that has begun no other program."""
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            data = proc.variables(pid, ("STRATUM_DATA",)).get("STRATUM_DATA")
        except OSError:
            return False
        return _PROGRAM in command and data == self._data


def _is_stopped(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat.rpartition(b")")[2].split()[0] == _STOPPED
