"""Having on disk what must outlast a loss of power: all that a file system was given, or names in a folder.

What is gone has to be gone on the disk before a record of it goes, too: else it comes back with the power,
and belongs to nothing.
"""

import ctypes
import os
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)


def sync(folder: Path) -> None:
    """Return once the names in a folder are on disk; that it is not there is fine.

    Raises:
        OSError: the disk would not have it.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_all(folder: Path) -> None:
    """Return once the file system of a folder has all on disk (syncfs(2)).

    Raises:
        OSError: the disk would not have it.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _libc.syncfs(handle):
            raise OSError(ctypes.get_errno(), f"{folder} could not be synced")
    finally:
        os.close(handle)
