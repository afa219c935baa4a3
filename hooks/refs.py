"""What a repository's refs are: read, and a few written, without starting a process.

Source: dulwich reads loose and packed refs.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from dulwich.file import FileLocked
from dulwich.objects import ObjectID
from dulwich.refs import DiskRefsContainer, Ref

from hooks.policy import BRANCHES, HIDDEN, TAGS, ZERO
from stratum.disk import sync
from stratum.errors import Unavailable
from stratum.git import reason
from stratum.model import RefUpdate

_HEAD = Ref(b"HEAD")
_KEPT = f"{HIDDEN}/builds/".encode()


def read_ref(repo: Path, ref: str) -> str:
    """Return where a ref is; ZERO when there is none."""
    found = DiskRefsContainer(str(repo)).read_ref(Ref(ref.encode()))
    return ZERO if found is None else found.decode()


def names(repo: Path) -> set[str]:
    """Name all refs."""
    return {name.decode("utf-8", "surrogateescape") for name in DiskRefsContainer(str(repo)).allkeys()}


def has_moved(repo: Path, update: RefUpdate) -> bool:
    """Whether a ref that was at `old` when its push was journaled has made this move: it is there.

    For who holds the app's push lock: nobody moves a ref past a push that is not settled.
    """
    return read_ref(repo, update.ref) == update.new


def sync_names(repo: Path, updates: Iterable[RefUpdate]) -> None:
    """Have on disk where refs have moved to, and what they lead to, after git has moved them.

    git syncs what its files hold (core.fsync), not the folders that name them: a loss of power could take
    back the rename of a ref, or of its pack.

    Raises:
        Unavailable: the disk would not have it.
    """
    folders = {f"{repo}/objects/pack"}.union(*(_naming(repo, update) for update in updates))
    try:
        for folder in sorted(folders):
            with suppress(FileNotFoundError, NotADirectoryError):  # git removes what deleting a ref empties
                sync(folder)
    except OSError as error:
        message = f"The disk does not take what was pushed to {repo.name}: {reason(error)}."
        raise Unavailable(message, "See the server's disk.") from error


def point_head(repo: Path, branch: str) -> None:
    """Have a clone check out the branch that deploys."""
    refs, wanted = DiskRefsContainer(str(repo)), Ref(f"{BRANCHES}{branch}".encode())
    if refs.read_ref(_HEAD) != b"ref: " + wanted:
        refs.set_symbolic_ref(_HEAD, wanted)


def keep(repo: Path, number: int, commit: str) -> None:
    """Keep the commit of a build from gc, even once no branch leads to it any more.

    The ref's content is synced, its name in the folder is not: what a loss of power takes from here, or
    a failure, the database gives back before anything is next removed (`hooks.care.keeping`).

    Raises:
        Unavailable: the disk would not have it, or somebody else writes this very ref.
    """
    _keep(DiskRefsContainer(str(repo)), number, commit)


def keep_all(repo: Path, commits: Mapping[int, str]) -> None:
    """Do as `keep` for many: build number → commit; those that are kept already cost no write."""
    there = kept(repo)
    refs = DiskRefsContainer(str(repo))
    for number, commit in commits.items():
        if there.get(number) != commit:
            _keep(refs, number, commit)


def kept(repo: Path) -> dict[int, str]:
    """Build number → the commit that is kept for it."""
    refs = DiskRefsContainer(str(repo))
    names = {int(name): Ref(_KEPT + name) for name in refs.subkeys(Ref(_KEPT)) if name.isdigit()}
    found = {number: refs.read_ref(name) for number, name in names.items()}
    return {number: commit.decode() for number, commit in found.items() if commit is not None}


def kept_ref(number: int) -> str:
    """Name the ref that keeps a build's commit; clients neither see it nor can push to it."""
    return f"{_KEPT.decode()}{number}"


def _naming(repo: Path, update: RefUpdate) -> set[str]:
    """Folders whose names an update may have changed."""
    above = update.ref.split("/")[:-1]
    first = 2 if update.ref.startswith((BRANCHES, TAGS)) else 1  # both folders are there from the beginning
    folders = {f"{repo}/{'/'.join(above[:count])}" for count in range(first, len(above) + 1)}
    return folders | ({str(repo)} if update.new == ZERO else set())  # of packed-refs, which is written anew


def _keep(refs: DiskRefsContainer, number: int, commit: str) -> None:
    try:
        refs.set_if_equals(Ref(kept_ref(number).encode()), None, ObjectID(commit.encode()))
    except (OSError, FileLocked) as error:
        message = f"The commit of build {number} could not be kept: {error!r}."
        raise Unavailable(message, "It is tried again before anything is removed.") from error
