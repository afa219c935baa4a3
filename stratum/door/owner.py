"""Look at what /proc shows to a process's owner only, where root is no more than any other.

Root without CAP_SYS_PTRACE, as in a container by default, may read neither environment nor open files
of another uid's process; a child that has become that uid may. Source: ptrace(2), "Ptrace access mode
checking", and capabilities(7).
"""

import errno
import json
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn, TypeAlias, TypeVar

from stratum.door import prctl, proc, spawn

T = TypeVar("T")
Look: TypeAlias = Callable[[int], T]
_TRIES = 100


def look(processes: Iterable[proc.Process], at: Look[T]) -> dict[int, T]:
    """Look at each process; those that have ended, or hide from their own uid too, are left out.

    Args:
        at: looks at a pid, raises OSError when it cannot, and gives what JSON keeps as it is.

    Raises:
        OSError: somebody keeps us from looking; what was not seen must not pass for what is not there.
    """
    found: dict[int, T] = {}
    barred: dict[int, list[int]] = {}
    for process in processes:
        try:
            found[process.pid] = at(process.pid)
        except PermissionError:
            barred.setdefault(process.uid, []).append(process.pid)
        except OSError:
            continue
    if os.geteuid() == 0:
        for uid in set(barred) - {0}:
            found |= _look_as(uid, barred[uid], at)
    return found


def _look_as(uid: int, pids: list[int], at: Look[T]) -> Mapping[int, T]:
    """Look from within a child that has become the uid; others of the uid could kill it, hence the tries."""
    for _ in range(_TRIES):
        source, sink = os.pipe()
        pid = os.fork()
        if pid == 0:
            _tell(uid, pids, at, sink)
        os.close(sink)
        with os.fdopen(source, "rb") as told:
            text = told.read()
        if os.waitpid(pid, 0)[1] == 0:
            rows: list[tuple[int, T]] = json.loads(text)
            return dict(rows)
    raise OSError(errno.EACCES, f"the processes of uid {uid} cannot be looked at")


def _tell(uid: int, pids: list[int], at: Look[T], sink: int) -> NoReturn:
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        parent = os.getppid()
        spawn.become(uid)
        prctl.die_with_parent()
        if os.getppid() == parent:
            rows = []
            for pid in pids:
                try:
                    rows.append((pid, at(pid)))
                except OSError:
                    continue
            with os.fdopen(sink, "wb") as told:
                told.write(json.dumps(rows).encode())
            code = 0
    finally:
        os._exit(code)
