"""Room on the server's disk, without which no build begins: the database and what runs need some, too."""

from pathlib import Path

from stratum import disk
from stratum.errors import BuildFailed

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
    lack = disk.lack(folder, min_free_bytes)
    if lack:
        raise BuildFailed(_WHAT, lack, hint=_WAY_OUT)


def has_room(folder: Path, min_free_bytes: int) -> bool:
    """Whether a build might begin; takes what `check_room` does."""
    return not disk.lack(folder, min_free_bytes)
