"""What a gated push has sent, kept where its build finds it.

git moves it into the repository only if the build succeeds, and removes it with the push. A spool
belongs to one build, whose row is there before it and tells when it may go.
"""

import logging
import re
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from stratum.disk import sync
from stratum.errors import Unavailable
from stratum.git import Commit, reason
from stratum.layout import Layout
from stratum.model import Build, BuildState
from stratum.store import Database, builds

log = logging.getLogger(__name__)

_OPEN = tuple(state for state in BuildState if not state.is_terminal)

# Where git keeps packs with their indexes, and loose objects (gitrepository-layout(5)); nothing else
# is taken along: `info/alternates` would lead elsewhere.
_OBJECTS = re.compile(r"pack|[0-9a-f]{2}")


def spool(repo: Path, quarantine: str, folder: Path) -> None:
    """Link, or else copy, the objects of a push into a folder, which is on disk when this returns.

    Args:
        quarantine: where git has put them, absolute or seen from the repository; empty when the push
            has sent none, and there is then no folder.

    Raises:
        Unavailable: the disk would not have it; nothing is left.
    """
    if not quarantine:
        return
    try:
        _link_all(repo / quarantine, folder)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        log.warning("%s could not be made: %s", folder, error)
        message = f"What was pushed could not be kept for its build: {reason(error)}."
        raise Unavailable(message, "See that the server's disk has room; then push again.") from error


def commit_of(layout: Layout, build: Build) -> Commit:
    """The commit of a build, to be read from its spool where there is one."""
    repo, folder = layout.repo(build.app_id), layout.spool(build.app_id, build.number)
    if not build.gate or not folder.is_dir():
        return Commit(repo, build.commit)
    variables = {
        "GIT_OBJECT_DIRECTORY": str(folder),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(repo / "objects"),
    }
    return Commit(repo, build.commit, variables)


def remove(layout: Layout, build: Build) -> None:
    """Remove the spool of a build that needs it no more; none being there is fine."""
    folder = layout.spool(build.app_id, build.number)
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # another's is there, or it is gone already
        folder.parent.rmdir()


def sweep(layout: Layout, db: Database) -> int:
    """Remove the spools of builds that have ended, or are gone with their app; return how many."""
    found = list(layout.spools.glob("*/*"))  # before the question: a build is recorded before its spool
    if not found:
        return 0
    with db.read() as tx:
        kept = {layout.spool(build.app_id, build.number) for build in builds.in_state(tx, *_OPEN)}
    left = [folder for folder in found if folder not in kept]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    for parent in {folder.parent for folder in left}:
        with suppress(OSError):
            parent.rmdir()
    return len(left)


def _link_all(source: Path, folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True)
    for inner in filter(_holds_objects, source.iterdir()):
        place = folder / inner.name
        place.mkdir(mode=0o700)
        for file in filter(_is_file, inner.iterdir()):
            _link(file, place / file.name)
        sync(place)
    sync(folder)
    sync(folder.parent)


def _holds_objects(path: Path) -> bool:
    return _OBJECTS.fullmatch(path.name) is not None and stat.S_ISDIR(path.lstat().st_mode)


def _is_file(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _link(file: Path, place: Path) -> None:
    try:
        place.hardlink_to(file)
    except OSError:  # another file system, or one without links
        shutil.copyfile(file, place)
    sync(place)
