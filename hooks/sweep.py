"""Removing what killed processes left in repositories: objects half received, locks, half-written packs.

git removes all of it whenever it ends by itself, but for index-pack, which leaves half a pack; a signal that
it cannot catch leaves it (measured with git 2.39). A lock that is left refuses every later push of its ref.
"""

import logging
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from hooks.care import processes
from stratum.layout import Layout
from stratum.ownership import exclusive

log = logging.getLogger(__name__)

# Names by git 2.39: tmp-objdir.c, object-file.c, pack-write.c, builtin/repack.c, shallow.c. Each is its
# maker's alone.
SCRATCH = (
    "objects/tmp_objdir-*",
    "objects/tmp_obj_*",
    "objects/[0-9a-f][0-9a-f]/tmp_obj_*",
    "objects/pack/tmp_*",
    "objects/pack/.tmp-*",
    "shallow_*",
)
# lockfile.h, refs/packed-backend.c, builtin/gc.c, and dulwich's of refs and HEAD.
LOCKS = (
    "*.lock",
    "packed-refs.new",
    "gc.pid",
    "objects/info/*.lock",
    "objects/pack/*.lock",
    "refs/**/*.lock",
    "logs/**/*.lock",
)
# builtin/receive-pack.c, 2.39: "receive-pack %PRIuMAX on %s"; it removes the file once its refs have moved.
# Until then it keeps the pack from every repack. Those that a person made are theirs.
KEPT = "objects/pack/pack-*.keep"
KEPT_BY_RECEIVE = re.compile(rb"receive-pack \d+ on [^\n]*\n?")
KEPT_READ_BYTES = 512
LOCK_AGE_S = 5.0  # the web process itself holds some for milliseconds, and has no repository as its folder
UNBORN = "[0-9]*.git.*"  # repositories that were being made
UNBORN_AGE_S = 600.0


def sweep(layout: Layout, *, lock_age_s: float = LOCK_AGE_S) -> int:
    """Remove what no process can still use, in all repositories; return how many files and folders.

    They are listed first: one made later belongs to a process that has not been looked for. Locks are
    removed under the app's push lock, in which all refs move.

    Args:
        lock_age_s: a younger lock is let be.
    """
    repos = layout.repos.resolve()
    unborn = [folder for folder in repos.glob(UNBORN) if _age_s(folder) >= UNBORN_AGE_S]
    found = {repo: _found(repo, lock_age_s) for repo in repos.glob("[0-9]*.git")}
    found = {repo: left for repo, left in found.items() if left}
    busy = {worker.repo for worker in processes.at_work(repos)} if found else set()
    count = sum(_removed_of(layout, repo, left) for repo, left in found.items() if repo not in busy)
    return count + sum(map(_removed, unborn))


def sweep_one(layout: Layout, repo: Path) -> int:
    """Remove all that is left in a repository in which, as the caller knows, no process is at work."""
    return _remove(layout, repo, list(_left(repo, 0.0)))


def _found(repo: Path, lock_age_s: float) -> list[Path]:
    """List what is left; a repository that cannot be looked into keeps no other from being swept."""
    try:
        return list(_left(repo, lock_age_s))
    except (OSError, RecursionError) as error:  # pathlib goes down into folders by recursion
        log.warning("%s could not be swept: %s", repo.name, error)
        return []


def _removed_of(layout: Layout, repo: Path, left: list[Path]) -> int:
    try:
        return _remove(layout, repo, left)
    except (OSError, ValueError) as error:  # ValueError: its name is no number
        log.warning("%s could not be swept: %s", repo.name, error)
        return 0


def _left(repo: Path, lock_age_s: float) -> Iterator[Path]:
    for pattern in SCRATCH:
        yield from repo.glob(pattern)
    locks = [path for pattern in LOCKS for path in repo.glob(pattern) if path.is_file()]
    locks += filter(_is_of_receive, repo.glob(KEPT))
    yield from (path for path in locks if _age_s(path) >= lock_age_s)


def _is_of_receive(path: Path) -> bool:
    """Whether a push keeps the pack.

    Its process is not asked for: its number may be another's by now, and none is at work in the repository.
    """
    try:
        with path.open("rb") as file:
            return KEPT_BY_RECEIVE.fullmatch(file.read(KEPT_READ_BYTES)) is not None
    except OSError:
        return False


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:  # gone meanwhile
        return -1.0


def _remove(layout: Layout, repo: Path, left: list[Path]) -> int:
    with exclusive(layout.push_lock(int(repo.stem))) as held:
        return sum(_removed(path) for path in left if held or not _is_lock(path))


def _is_lock(path: Path) -> bool:
    return path.suffix in (".lock", ".keep") or path.name in ("packed-refs.new", "gc.pid")


def _removed(path: Path) -> bool:
    log.info("removed %s, which a killed process left", path)
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return True
