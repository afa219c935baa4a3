"""Room on the server's disk, without which no build begins: the database and what runs need some, too."""

import os
from pathlib import Path

from stratum import sizes
from stratum.errors import BuildFailed

MIN_FREE_FILES = 10_000  # a virtual environment alone has some thousands
_PART = 10  # never more than a tenth is asked to be free: a small disk may serve small apps

_WHAT = "The build"
_WAY_OUT = "Its operator has to make room; then: stratum redeploy"


def check_room(folder: Path, min_free_bytes: int) -> None:
    """See that a build may begin; nothing is touched.

    Args:
        folder: on the disk in question.
        min_free_bytes: or a tenth of the disk, if that is less.

    Raises:
        BuildFailed: too little is free, in bytes or in files.
    """
    lack = _lack(os.statvfs(folder), min_free_bytes)
    if lack:
        raise BuildFailed(_WHAT, lack, hint=_WAY_OUT)


def _lack(disk: os.statvfs_result, min_free_bytes: int) -> str:
    free = disk.f_bavail * disk.f_frsize
    floor = min(min_free_bytes, disk.f_blocks * disk.f_frsize // _PART)
    if free < floor:
        return (
            f"{sizes.shown(free)} of the server's disk are free, and none begins below {sizes.shown(floor)}."
        )
    # Without a limit a file system says that there are none at all (statvfs(3); btrfs).
    if disk.f_files and disk.f_favail < min(MIN_FREE_FILES, disk.f_files // _PART):
        return f"the server's disk has room for {disk.f_favail} more files, and a build may need more."
    return ""
