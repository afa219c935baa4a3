"""Room on the server's disk, without which no build begins: the database and what runs need some, too."""

import os
from pathlib import Path

from stratum.disk import below_floor
from stratum.errors import BuildFailed
from stratum.sizes import shown

MIN_FREE_FILES = 10_000  # a virtual environment alone has some thousands
_PART = 10  # never more than a tenth is asked to be free, as of bytes (`stratum.disk`)
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
    lack = _lack(folder, min_free_bytes)
    if lack:
        raise BuildFailed(_WHAT, lack, hint=_WAY_OUT)


def has_room(folder: Path, min_free_bytes: int) -> bool:
    """Whether a build might begin; takes what `check_room` does."""
    return not _lack(folder, min_free_bytes)


def _lack(folder: Path, min_free_bytes: int) -> str:
    found = below_floor(folder, min_free_bytes)
    if found is not None:
        free, floor = map(shown, found)
        return f"{free} of the server's disk are free, and none begins below {floor}."
    disk = os.statvfs(folder)
    # Without a limit a file system says that there are none at all (statvfs(3); btrfs).
    if disk.f_files and disk.f_favail < min(MIN_FREE_FILES, disk.f_files // _PART):
        return f"the server's disk has room for {disk.f_favail} more files, and a build may need more."
    return ""
