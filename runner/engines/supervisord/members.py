"""Who is left of a process group whose leader has ended. Loaded into supervisord."""

import os
import signal
from contextlib import suppress
from pathlib import Path

_GONE = (b"Z", b"X")


def kill(group: int) -> None:
    """End what is left of a group at once; none left is no error."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def lives(group: int) -> bool:
    """Whether a group has a living member.

    The kernel counts zombies as members, and where PID 1 reaps nothing they stay for ever. So /proc
    is read, but only when the cheap question says that there may be somebody.
    """
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # a member with another uid, possible only unfenced
        return True
    return any(
        _is_living_member(folder, group) for folder in Path("/proc").iterdir() if folder.name.isdigit()
    )


def _is_living_member(folder: Path, group: int) -> bool:
    try:
        fields = (folder / "stat").read_bytes().rpartition(b") ")[2].split()
    except OSError:  # it ended meanwhile
        return False
    return int(fields[2]) == group and fields[0] not in _GONE
