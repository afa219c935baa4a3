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
_TAIL_BYTES = 1024  # more than two lines have
_DIGITS = 16  # of a number: of what a damaged file has instead, none is gone on from
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
    """Give higher numbers than earlier lives of supervisord have, whatever the clock says now.

    Args:
        folder: that of the apps' logs.
    """
    with suppress(OSError), os.scandir(folder) as apps:
        for app in apps:
            for path in (f"{app.path}/{FILE}", f"{app.path}/{FILE}.1"):
                _numbers.last = max(_numbers.last, _last_number(path))


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


def _last_number(path: str) -> int:
    with suppress(OSError, ValueError, IndexError), open(path, "rb") as file:  # noqa: PTH123 - as above
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
        text = file.read().split(b"\n")[-2].partition(b"\t")[0]
        return int(text) if len(text) <= _DIGITS else 0
    return 0
