"""Removing what a killed push left in a repository: its quarantine folder with the objects sent.

git removes the folder itself whenever it ends by itself; a signal leaves it (measured
with git 2.39).
"""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

QUARANTINES = "objects/tmp_objdir-*"


def sweep(repos: Path) -> int:
    """Remove the quarantines that no process can still use; return how many.

    They are listed first: one made later belongs to a process that has not been looked for. Every
    git that receives, and all that it starts, has its repository as working directory.

    Args:
        repos: the folder of all repositories.
    """
    found = list(repos.glob(f"*.git/{QUARANTINES}"))
    if not found:
        return 0
    at_work = set(_working_directories())
    left = [folder for folder in found if folder.parent.parent.resolve() not in at_work]
    for folder in left:
        log.info("removed %s, which a killed push left", folder)
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def _working_directories() -> Iterator[Path]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                yield (process / "cwd").readlink()
            except OSError:  # ended, or another user's: none of those is our git
                continue
