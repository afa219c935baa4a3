"""Files that have no name any more, and take room on the disk as long as a process holds them open."""

import os
import stat
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

BUDGET_S = 0.05
_BLOCK = 512


def nameless(folder: int, pids: Iterable[int], devices: Collection[int]) -> int:
    """Add up what they take, in bytes, each counted once; what cannot be looked at is left out.

    Args:
        folder: a /proc, open.
        devices: the disks that are meant, as st_dev.
    """
    deadline = time.monotonic() + BUDGET_S
    found: dict[tuple[int, int], int] = {}
    for pid in pids:
        for one in _open_files(folder, pid):
            if stat.S_ISREG(one.st_mode) and not one.st_nlink and one.st_dev in devices:
                found[one.st_dev, one.st_ino] = one.st_blocks * _BLOCK
            if time.monotonic() > deadline:
                return sum(found.values())
    return sum(found.values())


def _open_files(folder: int, pid: int) -> Iterator[os.stat_result]:
    try:
        handle = os.open(f"{pid}/fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    except OSError:
        return
    try:
        with suppress(OSError), os.scandir(handle) as entries:
            for entry in entries:
                with suppress(OSError):  # closed meanwhile
                    yield entry.stat()
    finally:
        os.close(handle)
