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
TOO_MANY_PACKS = 3 * MANY_PACKS  # a push takes half as long again (tests/integration/test_git_many.py)
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
_IDLY = (("nice", "-n", "19"), ("ionice", "-c", "3"))
_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")


class Due(Enum):
    """Join: many small packs become few. Whole: besides, what nothing leads to is removed.

    Urgent: join, and have pushes wait for it a little; they have left no pause for it.
    """

    JOIN = "join"
    URGENT = "join, urgent"
    WHOLE = "whole"


_PACK_REFS = ("pack-refs", "--all", "--prune")
# Packs whose objects grow by a factor of two stay; nothing is dropped, reachable or not.
_JOIN_PACKS = ("repack", "-d", "-l", "-n", "-q", "--geometric=2")
# A pack that it reads, as if it had been sent: the names come last, the pack's first.
INDEX_PACK = ("index-pack", "--stdin")
STEPS = {
    Due.JOIN: (_PACK_REFS, _JOIN_PACKS),
    Due.URGENT: (_PACK_REFS, _JOIN_PACKS),
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
    found = stock(repo)
    if found.packs > TOO_MANY_PACKS:
        return Due.URGENT
    if age_s >= WHOLE_EVERY_S:
        return Due.WHOLE
    return Due.JOIN if found.packs > MANY_PACKS or found.loose > MANY_LOOSE else None


def done(repo: Path, what: Due) -> None:
    """Note that it has been done."""
    if what is Due.WHOLE:
        (repo / STAMP).touch()


def program(*words: str, idly: bool = True) -> list[str]:
    """Words of a call of git, in the repository that is its working directory; it dies with its thread.

    Args:
        idly: it gets what is left of processor and disk; not good where somebody waits for it.
    """
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    return [*_available(idly=idly), "git", *settings, "--git-dir=.", *words]


def environ() -> dict[str, str]:
    """Variables of the call; what it starts has them, too, and is found by them."""
    return {**git_environ(), MARK: "1"}


def _available(*, idly: bool) -> Iterator[str]:
    """Leave out what this machine lacks: none of it is needed for being right."""
    for words in (*_IDLY, _WITH_US) if idly else (_WITH_US,):
        if shutil.which(words[0]):
            yield from words
