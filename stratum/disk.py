"""Room on the disk, and having there what must outlast a loss of power: contents, and names in folders.

A synced file that a folder does not name yet is lost with the power: a new name is on disk once its
folder was synced (fsync(2), NOTES).
"""

import os
from pathlib import Path

_PART = 10  # never more than a tenth is asked to be free: a small disk may serve small apps


def below_floor(folder: Path, min_free_bytes: int) -> tuple[int, int] | None:
    """Return how many bytes are free and how many should be, where too few are.

    Args:
        folder: on the disk in question.
        min_free_bytes: or a tenth of the disk, if that is less.
    """
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    floor = min(min_free_bytes, disk.f_blocks * disk.f_frsize // _PART)
    return (free, floor) if free < floor else None


def sync(path: Path | str) -> None:
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
