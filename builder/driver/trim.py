"""Keeping an app's cache below its bound: what was used longest ago goes first."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# Folders whose entries stand for themselves; anything else goes whole, as only who made it knows it.
_SPLIT = {"buildpacks", "kept", "modules"}
_BLOCK = 512  # of st_blocks, whatever the disk's are (stat(2))


class Unit(NamedTuple):
    """What goes or stays as one."""

    path: Path
    used_at: float
    size: int


def trim(cache: Path, most: int, split: set[str]) -> list[Path]:
    """Remove what is above the bound, and return it.

    Args:
        most: bytes on the disk.
        split: further folders whose entries stand for themselves.
    """
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
    _open(folder)
    for entry in sorted(folder.iterdir()):
        if entry.name in split and entry.is_dir() and not entry.is_symlink():
            yield from _units(entry, split)
        else:
            yield Unit(entry, entry.lstat().st_mtime, _size(entry))


def _size(path: Path) -> int:
    total = path.lstat().st_blocks * _BLOCK
    for folder, names, files in _walk(path):
        for name in (*names, *files):
            with suppress(OSError):
                total += os.lstat(f"{folder}/{name}").st_blocks * _BLOCK
    return total


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for folder, _, _ in _walk(path):  # Go closes what it caches to writing, to itself, too
            with suppress(OSError):
                os.chmod(folder, 0o700)  # noqa: PTH101 - a path of os.walk
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _walk(path: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    _open(path)
    for folder, names, files in os.walk(path):
        for name in names:
            _open(Path(folder, name))
        yield folder, names, files


def _open(folder: Path) -> None:
    """Open a folder that is closed to reading: what is in it takes room as well."""
    if folder.is_dir() and not folder.is_symlink() and not os.access(folder, os.R_OK | os.X_OK):
        folder.chmod(0o700)
