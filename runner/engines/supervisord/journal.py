"""What became of the processes of an app: a line for each change, beside their logs. Loaded into supervisord.

Nothing here waits for anybody, and what cannot be written is lost: a full disk may stop no restart.
`stratum.events` reads lines, `runner.history` writes them into the database. Names and numbers only, in
fields with tabs between: its number, when (epoch seconds), the process, what happened, its pid, its exit
status (negative: signal; empty: none), how long it had lived.
"""

import os
import time
from contextlib import suppress

FILE = "events"
MAX_BYTES = 256 * 1024  # twice: about 5,000 changes of an app wait here for whoever reads them
_FIELDS = 7
_DIGITS = 16  # of a number: of what a damaged file has instead, none is gone on from
_LIVES = frozenset({"started", "stopping", "held-back"})
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC

Field = str | int


class _Numbers:
    """Microseconds since 1970, and always more than the one before, should the clock be set back."""

    def __init__(self) -> None:
        self.last = 0

    def next(self) -> int:
        self.last = max(self.last + 1, time.time_ns() // 1000)
        return self.last


_numbers = _Numbers()


def go_on(folder: str) -> None:
    """Go on where an earlier life of supervisord has ended, before anything is started.

    Numbers are higher than those before, whatever the clock says now. Of processes that ran when that life
    was killed, whose ends nobody saw, it is noted that they are lost.

    Args:
        folder: that of the apps' logs.
    """
    lost: list[tuple[str, str, str]] = []
    with suppress(OSError), os.scandir(folder) as apps:
        for app in apps:
            last = _last_of_each(f"{app.path}/{FILE}.1") | _last_of_each(f"{app.path}/{FILE}")
            _numbers.last = max(_numbers.last, *(number for number, _, _ in last.values()), 0)
            lost += [(app.path, name, pid) for name, (_, what, pid) in last.items() if what in _LIVES]
    for path, name, pid in lost:
        note(f"{path}/{FILE}", f"{time.time():.3f}", name, "lost", pid, "", "0.000")


def note(log: str, *fields: Field) -> None:
    """Append a line to the file beside a process's log; the folder's group may read it."""
    path = f"{log.rpartition('/')[0]}/{FILE}"
    line = ("\t".join(map(str, (_numbers.next(), *fields))) + "\n").encode()
    with suppress(OSError):
        _rotate(path)
        file = os.open(path, _FLAGS, 0o640)
        try:
            written = os.write(file, line)
            if written < len(line):  # the disk is full, and the next line would be spoilt, too
                os.ftruncate(file, os.fstat(file).st_size - written)
        finally:
            os.close(file)


def _rotate(path: str) -> None:
    with suppress(FileNotFoundError):
        if os.stat(path).st_size >= MAX_BYTES:  # noqa: PTH116 - without what a Path costs at each change
            os.replace(path, f"{path}.1")  # noqa: PTH105


def _last_of_each(path: str) -> dict[str, tuple[int, str, str]]:
    """Process → number, kind and pid of its last change in a file."""
    found: dict[str, tuple[int, str, str]] = {}
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - as above
        for line in file:
            fields = line.split("\t")
            if len(fields) == _FIELDS and fields[0].isdecimal() and len(fields[0]) <= _DIGITS:
                found[fields[2]] = int(fields[0]), fields[3], fields[4]
    return found
