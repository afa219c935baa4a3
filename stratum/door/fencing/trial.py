"""Find out which fences there are by putting them up: no list of kernels and containers says it."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from stratum.door.fencing import calls
from stratum.door.fencing.fences import FILTER, FLAGS, PROCESSES, VIEW, Fences
from stratum.door.fencing.inside import NOT_PUT_UP, Cell, start
from stratum.door.fencing.view import View
from stratum.door.spawn import Program, capture

LIMIT_S = 10.0
BWRAP = "bwrap"
_TRUE = "/bin/true"


def find() -> Fences:
    """Try all fences."""
    found = _find_namespaces()
    refusal = _refusal_of_filter()
    return replace(found, missing={**found.missing, FILTER: refusal}) if refusal else found


def _find_namespaces() -> Fences:
    """Try all together, then bubblewrap for a user, then as many as stand together."""
    as_user = os.geteuid() != 0
    every = Fences(frozenset(FLAGS), as_user=as_user)
    if not _refusal(every):
        return every
    bubble = shutil.which(BWRAP) if as_user else None
    if bubble and not _refusal(within := replace(every, bwrap=bubble)):
        return within
    return _explained(next(found for found in _fewer(as_user=as_user) if not _refusal(found)))


def _fewer(*, as_user: bool) -> Iterator[Fences]:
    """List what may stand together, the most first; at last nothing."""
    for count in range(len(FLAGS) - 1, -1, -1):
        for names in combinations(FLAGS, count):
            if not (as_user and VIEW in names and PROCESSES not in names):  # /proc must be his own
                yield Fences(frozenset(names), as_user=as_user)


def _explained(found: Fences) -> Fences:
    """Add to what stands why the others do not."""
    missing = {}
    for name in FLAGS.keys() - found.standing:
        needed = {PROCESSES} if found.as_user and name == VIEW else set()
        missing[name] = _refusal(replace(found, standing=found.standing | {name} | needed))
    return replace(found, missing=missing)


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


def _refusal_of_filter() -> str:
    """Return what keeps a filter of system calls from being had; empty for nothing."""
    if why := calls.missing():
        return why
    code, said = capture(Program((_TRUE,), {}, Path("/"), None, refused=calls.filter_()), LIMIT_S)
    return "" if code == 0 else said.strip() or f"{_TRUE} ended with {code}"


def _interpreter() -> tuple[Path, ...]:
    """What bubblewrap's first process is, and needs."""
    return Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parent
