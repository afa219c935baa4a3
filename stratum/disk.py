"""Having on disk what must outlast a loss of power: contents of files, and the names in folders.

A synced file that a folder does not name yet is lost with the power: a new name is on disk once its
folder was synced (fsync(2), NOTES).
"""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Return once a file's content, or a folder's names, are on disk; links are not followed.

    Raises:
        OSError: it is not there, or the disk would not have it.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Do so with a folder and all below it; meant for small ones.

    Raises:
        OSError: the disk would not have it.
    """
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)
