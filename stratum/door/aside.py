"""What is out of the way: renamed beside where it stood, to be erased when nobody waits for its place."""

import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from stratum.door import turns
from stratum.door.trees import Trees
from stratum.errors import DoorUnavailable

BEGIN = ".gone-"  # of its name


def set_aside(path: Path) -> None:
    """Take something from its place, if it is there, to one that nothing else ever has."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        path.rename(path.with_name(f"{BEGIN}{path.name}-{os.getpid()}-{time.time_ns()}"))
    else:
        path.unlink()


def erase(parent: Path, trees: Trees, uid: int) -> None:
    """Erase what is out of the way; what another erases just now, or ends, is left to the next call.

    Args:
        uid: by whose hand.

    Raises:
        DoorUnavailable, OSError: something of it cannot be erased, but all else is.
    """
    failed: OSError | DoorUnavailable | None = None
    for path in _gone(parent):
        try:
            with suppress(FileNotFoundError, TimeoutError, InterruptedError), turns.turn(path, limit_s=0):
                trees.erase(path, uid)
        except (OSError, DoorUnavailable) as error:
            failed = error
    if failed is not None:
        raise failed


def _gone(parent: Path) -> list[Path]:
    try:
        return sorted(path for path in parent.iterdir() if path.name.startswith(BEGIN))
    except FileNotFoundError:  # nothing was ever made there, or the app is just being destroyed
        return []
