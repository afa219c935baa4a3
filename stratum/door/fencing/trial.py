"""Find out which fences there are by putting them up: no list of kernels and containers says it."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from stratum.door.fencing.fences import FLAGS, PROCESSES, VIEW, Fences
from stratum.door.fencing.inside import NOT_PUT_UP, Cell, start
from stratum.door.fencing.view import View
from stratum.door.spawn import Program, capture

LIMIT_S = 10.0
BWRAP = "bwrap"
_TRUE = "/bin/true"


def find() -> Fences:
    """Try all fences together, which is what is wanted; if that fails, each for itself."""
    as_user = os.geteuid() != 0
    if not _refusal(Fences(frozenset(FLAGS), as_user=as_user)):
        return Fences(frozenset(FLAGS), as_user=as_user)
    bubble = shutil.which(BWRAP) if as_user else None
    if bubble and not _refusal(within := Fences(frozenset(FLAGS), as_user=True, bwrap=bubble)):
        return within
    missing = {name: reason for name in FLAGS if (reason := _refusal(_one(name, as_user=as_user)))}
    standing = frozenset(FLAGS) - missing.keys()
    if _refusal(Fences(standing, as_user=as_user)):  # each for itself, but not together
        return Fences(frozenset(), dict.fromkeys(FLAGS, "refused"), as_user)
    return Fences(standing, missing, as_user)


def _one(name: str, *, as_user: bool) -> Fences:
    # A user may mount only the /proc of processes of his own.
    return Fences(frozenset({name, PROCESSES} if as_user and name == VIEW else {name}), as_user=as_user)


def _refusal(fences: Fences) -> str:
    """Run a program behind fences; return what keeps it from running, empty for nothing."""
    if not fences.standing:
        return ""
    with tempfile.TemporaryDirectory(prefix="stratum-fence-", dir="/tmp") as folder:
        stage, own = Path(folder, "stage"), Path(folder, "own")
        stage.mkdir()
        own.mkdir()
        cell = Cell(fences, View(stage, Path(folder), _interpreter(), (own,), PROCESSES in fences.standing))

        def begin(program: Program, fds: tuple[int, int, int]) -> int:
            started = start(program, fds, cell)
            started.close()
            return started.pid

        code, said = capture(Program((_TRUE,), {}, own, None), LIMIT_S, begin)
    return "" if code == 0 else said.strip().removeprefix(NOT_PUT_UP) or f"{_TRUE} ended with {code}"


def _interpreter() -> tuple[Path, ...]:
    """What bubblewrap's first process is, and needs."""
    return Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parent
