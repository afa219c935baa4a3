"""Keeping an app's cache below its bound: what was used longest ago goes first."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from builder.driver.unsynced import MARK
from stratum.door.limits.filling import taken

# Folders whose entries stand for themselves; anything else goes whole, as only who made it knows it.
_SPLIT = {"buildpacks", "kept", "modules"}
# `find` comes to the end of a thousand folders in each other, as Python does not: deeper than its stack,
# and longer than a path may be. What is closed to reading takes room as well.
_OPEN = ("find", ".", "-type", "d", "!", "-perm", "-500", "-exec", "chmod", "u+rx", "{}", ";")
_DELETE = "find . -mindepth 1 -delete"
# Go closes what it caches to writing, to itself, too.
_EMPTY = ("sh", "-c", f"{_DELETE} 2>/dev/null || {{ chmod -R u+rwX .; exec {_DELETE}; }}")


class Unit(NamedTuple):
    """What goes or stays as one."""

    path: Path
    used_at: float
    size: int


def trim(cache: Path, most: int, split: set[str]) -> list[Path]:
    """Remove what is above the bound, and return it.

    Args:
        most: bytes on the disk, counted as for the limit of a build.
        split: further folders whose entries stand for themselves.
    """
    _run(_OPEN, cache)
    found = sorted(_units(cache, split | _SPLIT), key=lambda unit: unit.used_at)
    above = sum(unit.size for unit in found) - most
    gone = []
    for unit in found:
        if above <= 0:
            break
        _remove(unit.path)
        gone.append(unit.path)
        above -= unit.size
    return gone


def _units(folder: Path, split: set[str]) -> Iterator[Unit]:
    for entry in sorted(one for one in folder.iterdir() if one.name != MARK):
        if entry.name in split and entry.is_dir() and not entry.is_symlink():
            entry.chmod(0o700)
            yield from _units(entry, split)
        else:
            yield Unit(entry, entry.lstat().st_mtime, taken(entry))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.chmod(0o700)
        _run(_EMPTY, path)
        with suppress(OSError):  # something writes there still; the next build sees to it
            path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _run(argv: tuple[str, ...], folder: Path) -> None:
    """Run a program of the system; what it could not do shows in what is counted next."""
    subprocess.run(argv, cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
