"""One at a time for what would stand in another's way, such as what ends an app's builds by their uid.

The lock is on a folder that neither build nor app can open when fenced; but for what is to be erased
(`aside`), where an app that holds it keeps what is its own.
"""

import fcntl
import os
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LIMIT_S = 60.0
_ROUND_MS = 5


@contextmanager
def turn(folder: Path, caller: socket.socket | None = None, limit_s: float = LIMIT_S) -> Iterator[bool]:
    """Keep others of the folder away; yields whether the caller, if one is given, is still there.

    Args:
        limit_s: how long to wait for another.

    Raises:
        TimeoutError: another does not end.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield _lock(handle, caller, limit_s)
    finally:
        os.close(handle)


def _lock(handle: int, caller: socket.socket | None, limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    poll = select.poll()
    if caller is not None:
        poll.register(caller, select.POLLIN)
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return not poll.poll(0)
        if poll.poll(_ROUND_MS):
            return False
        if time.monotonic() > deadline:
            message = f"what else is at work for the app has not ended within {limit_s:g} s"
            raise TimeoutError(message)
