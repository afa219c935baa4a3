"""Which hook scripts there are for an event, in order, and whether they may be run."""

import re
import stat
from dataclasses import dataclass
from pathlib import Path

PRE_BUILD, PRE_RELEASE = "pre-build", "pre-release"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # and so no file that an editor has left
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Script:
    """One program.

    Attributes:
        name: with its event: `pre-build/10-freeze`.
        refusal: why it is not run; empty: it may be.
    """

    path: Path
    name: str
    refusal: str = ""


def scripts(folder: Path, event: str) -> list[Script]:
    """Return the executable files of an event, by name.

    Where their folder cannot be read that counts as one that is not run.

    Args:
        folder: of all events. What is in it belongs to its owner or root, and nobody else may write there.
    """
    below = folder / event
    try:
        owners = {0, folder.stat().st_uid}
        files = sorted(file for file in below.iterdir() if _NAME.fullmatch(file.name))
        # Who may write to a folder can put any file there.
        closed = _refusal(folder, owners) or _refusal(below, owners)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError:
        return [Script(below, event, f"{below} cannot be read")]
    return [
        Script(file, f"{event}/{file.name}", closed or _refusal_of_program(file, owners))
        for file in files
        if _is_program(file)
    ]


def _is_program(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except PermissionError:
        return True  # a link to where we may not look: not to be passed over
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & 0o111)


def _refusal_of_program(path: Path, owners: set[int]) -> str:
    try:
        real = path.resolve(strict=True)
        # Where a link leads out of the folder, who may write there can put any file in its place.
        return _refusal(real, owners) or _refusal(real.parent, owners)
    except OSError as error:
        return f"{path} cannot be looked at: {error.strerror}"


def _refusal(path: Path, owners: set[int]) -> str:
    found = path.stat()
    if found.st_uid not in owners:
        return f"{path} belongs to another account (uid {found.st_uid})"
    return f"{path} can be written to by others" if found.st_mode & _OTHERS else ""
