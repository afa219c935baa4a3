"""Having on disk all that a file system was given."""

import ctypes
import os
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)


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
