"""What a repository's refs are, and once were: read without starting a process.

Source: dulwich reads loose and packed refs; the reflog's lines are `old new who <mail> seconds zone`
(git 2.39, refs/files-backend.c; core.logAllRefUpdates=always keeps one for every ref).
"""

from datetime import datetime
from pathlib import Path

from dulwich.refs import DiskRefsContainer, Ref

from hooks.policy import BRANCHES, ZERO
from stratum.model import RefUpdate

_HEAD = Ref(b"HEAD")


def read_ref(repo: Path, ref: str) -> str:
    """Return where a ref is; ZERO when there is none."""
    found = DiskRefsContainer(str(repo)).read_ref(Ref(ref.encode()))
    return ZERO if found is None else found.decode()


def has_moved(repo: Path, update: RefUpdate, since: datetime) -> bool:
    """Whether a ref has made this move since a moment: it is there, or its reflog has been."""
    if read_ref(repo, update.ref) == update.new:
        return True
    try:
        lines = (repo / "logs" / update.ref).read_bytes().splitlines()
    except OSError:
        return False
    wanted = f"{update.old} {update.new} ".encode()
    return any(line.startswith(wanted) and _seconds(line) >= int(since.timestamp()) for line in lines)


def point_head(repo: Path, branch: str) -> None:
    """Have a clone check out the branch that deploys."""
    refs, wanted = DiskRefsContainer(str(repo)), Ref(f"{BRANCHES}{branch}".encode())
    if refs.read_ref(_HEAD) != b"ref: " + wanted:
        refs.set_symbolic_ref(_HEAD, wanted)


def _seconds(line: bytes) -> int:
    seconds = line.partition(b"\t")[0].split()[-2:-1]
    return int(seconds[0]) if seconds and seconds[0].isdigit() else 0
