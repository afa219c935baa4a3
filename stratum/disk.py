"""Room on the disk, and having there what must outlast a loss of power: contents, and names in folders.

A synced file that a folder does not name yet is lost with the power: a new name is on disk once its
folder was synced (fsync(2), NOTES).
"""

import os
from pathlib import Path

from stratum.sizes import shown

MIN_FREE_FILES = 10_000  # a virtual environment alone has some thousands
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


def lack(folder: Path, min_free_bytes: int) -> str:
    """Return why no build may begin, as a sentence; empty where there is room, in bytes and in files.

    Takes what `below_floor` does.
    """
    found = below_floor(folder, min_free_bytes)
    if found is not None:
        free, floor = map(shown, found)
        return f"{free} of the server's disk are free, and none begins below {floor}."
    disk = os.statvfs(folder)
    # Without a limit a file system says that there are none at all (statvfs(3); btrfs).
    if disk.f_files and disk.f_favail < min(MIN_FREE_FILES, disk.f_files // _PART):
        return f"the server's disk has room for {disk.f_favail} more files, and a build may need more."
    return ""


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
