"""What became of the processes of an app: a line for each change, beside their logs. Loaded into supervisord.

Nothing here waits for anybody, and what cannot be written is lost: a full disk may stop no restart.
`stratum.events` reads it. Names and numbers only, in fields with tabs between: when (epoch seconds), the
process, what happened, its pid, its exit status (negative: signal; empty: none), how long it had lived.
"""

import os
from contextlib import suppress

FILE = "events"
MAX_BYTES = 256 * 1024  # twice: about 5,000 changes of an app stay
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC

Field = str | int


def note(log: str, *fields: Field) -> None:
    """Append a line to the file beside a process's log; the folder's group may read it."""
    path = f"{log.rpartition('/')[0]}/{FILE}"
    line = "\t".join(map(str, fields)) + "\n"
    with suppress(OSError):
        _rotate(path)
        file = os.open(path, _FLAGS, 0o640)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)


def _rotate(path: str) -> None:
    with suppress(FileNotFoundError):
        if os.stat(path).st_size >= MAX_BYTES:  # noqa: PTH116 - without what a Path costs at each change
            os.replace(path, f"{path}.1")  # noqa: PTH105
