"""What is due in a repository, and the gits that do it. No state but a file's time.

`git gc` and `git maintenance` (2.39) would do the same and more: they are shells around these programs,
which they do not end when they are ended themselves, and their lock outlives a kill.
"""

import shutil
import time
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from hooks.care.processes import MARK
from hooks.care.stock import stock
from stratum.git import git_environ

MANY_PACKS = 50  # each push makes one (receive.unpackLimit=1), and each is looked through for every object
MANY_LOOSE = 6700  # gc.auto of git
WHOLE_EVERY_S = 7 * 24 * 3600.0
EXPIRE = "2.weeks.ago"  # what no ref leads to is kept so long
STAMP = "stratum-upkeep"  # in the repository; its time is that of the last whole upkeep

# Memory: a window of deltas and one thread, and large files are not looked into.
_SETTINGS = (
    "core.fsync=all",
    "core.bigFileThreshold=16m",
    "core.deltaBaseCacheLimit=32m",
    "gc.auto=0",
    "pack.deltaCacheSize=32m",
    "pack.threads=1",
    "pack.windowMemory=64m",
)
_BACKGROUND = ("nice", "-n", "19", "ionice", "-c", "3", "setpriv", "--pdeathsig", "KILL", "--")


class Due(Enum):
    """Join: many small packs become few. Whole: besides, what nothing leads to is removed."""

    JOIN = "join"
    WHOLE = "whole"


_PACK_REFS = ("pack-refs", "--all", "--prune")
STEPS = {
    # Packs whose objects grow by a factor of two stay; nothing is dropped, reachable or not.
    Due.JOIN: (_PACK_REFS, ("repack", "-d", "-l", "-n", "-q", "--geometric=2")),
    Due.WHOLE: (
        ("reflog", "expire", "--all", "--expire=90.days.ago", f"--expire-unreachable={EXPIRE}"),
        _PACK_REFS,
        ("repack", "--cruft", f"--cruft-expiration={EXPIRE}", "-d", "-l", "-n", "-q"),
        ("prune", f"--expire={EXPIRE}"),
    ),
}


def due(repo: Path) -> Due | None:
    """Say what a repository needs. One that was never looked at gets its first whole upkeep in a week."""
    stamp = repo / STAMP
    try:
        age_s = time.time() - stamp.stat().st_mtime
    except FileNotFoundError:
        stamp.touch()
        age_s = 0.0
    if age_s >= WHOLE_EVERY_S:
        return Due.WHOLE
    found = stock(repo)
    return Due.JOIN if found.packs > MANY_PACKS or found.loose > MANY_LOOSE else None


def done(repo: Path, what: Due) -> None:
    """Note that it has been done."""
    if what is Due.WHOLE:
        (repo / STAMP).touch()


def program(*words: str) -> list[str]:
    """Words of a call of git in the background, in the repository that is its working directory.

    It gets what is left of processor and disk, and dies with the thread that started it.
    """
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    return [*_available(), "git", *settings, "--git-dir=.", *words]


def environ() -> dict[str, str]:
    """Variables of the call; what it starts has them, too, and is found by them."""
    return {**git_environ(), MARK: "1"}


def _available() -> Iterator[str]:
    """Leave out what this machine lacks: none of it is needed for being right."""
    words = list(_BACKGROUND)
    for name, count in (("nice", 3), ("ionice", 3), ("setpriv", 4)):
        taken, words = words[:count], words[count:]
        if shutil.which(name):
            yield from taken
