"""How much a repository holds, by the names and sizes of its files alone: no process, nothing read.

Every push asks three times: so lists, not generators, and no pathlib.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

_LOOSE_SAMPLE = "17"  # objects are spread evenly over 256 folders; git estimates by this one, too
_FOLDERS = 256


@dataclass(frozen=True, slots=True)
class Stock:
    """What there is to tidy.

    Attributes:
        packs: those that a repack may join; not the one of what is no longer reachable, nor those that
            somebody keeps.
        loose: objects in files of their own, estimated.
    """

    packs: int
    loose: int


def stock(repo: Path) -> Stock:
    """Count.

    Source: git-gc(1), gc.auto; builtin/gc.c of git 2.39, too_many_loose_objects. A pack of unreachable
    objects has an `.mtimes` file beside it (gitformat-pack(5), cruft packs); one with a `.keep` file is not
    repacked (git-repack(1), --pack-kept-objects).
    """
    names = {entry.name for entry in _entries(repo / "objects/pack")}
    packs = {name.removesuffix(".pack") for name in names if name.endswith(".pack")}
    apart = {name.rpartition(".")[0] for name in names if name.endswith((".mtimes", ".keep"))}
    loose = sum(1 for _ in _entries(repo / "objects" / _LOOSE_SAMPLE)) * _FOLDERS
    return Stock(len(packs - apart), loose)


def unindexed(repo: Path) -> list[Path]:
    """Name packs whose index is missing: git takes no object from them.

    A kill leaves them: of a repack that had given its new pack the first of its names, or taken the first
    from an old one, and of a push that was just accepted. `git repack --cruft` fails for as long as there is
    one ("could not find pack", git 2.39).
    """
    folder = repo / "objects/pack"
    names = {entry.name for entry in _entries(folder)}
    packs = {name.removesuffix(".pack") for name in names if name.endswith(".pack")}
    return [folder / f"{pack}.pack" for pack in sorted(packs) if f"{pack}.idx" not in names]


def bytes_below(folder: Path | str) -> int:
    """Return how many bytes the files in a folder and all below it have."""
    return sum(
        [
            bytes_below(entry.path) if entry.is_dir(follow_symlinks=False) else _bytes(entry)
            for entry in _entries(folder)
        ]
    )


def repo_bytes(repo: Path) -> int:
    """Return how many bytes the files of a repository's objects have; 0 when there is no repository.

    What a push under way has sent, and is not accepted yet, does not count.
    """
    folders = [entry.path for entry in _entries(f"{repo}/objects") if not entry.name.startswith("tmp_")]
    return sum([_bytes(entry) for folder in folders for entry in _entries(folder)])


def _entries(folder: Path | str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _bytes(entry: "os.DirEntry[str]") -> int:
    try:
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0
