"""Who works on what on this host: names of processes that survive pid reuse, and file locks.

A claim in the database has a lease for other machines' sake; on this host the kernel knows better:
a lock is free the moment its holder is dead.
"""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from stratum.door import proc


def this_process() -> str:
    """Name this process as `pid:starttime`."""
    return _own_name(os.getpid())


@lru_cache(maxsize=1)  # each push asks; a fork has another pid
def _own_name(pid: int) -> str:
    return process_name(pid)


def process_name(pid: int) -> str:
    """Name a process as `pid:starttime` (clock ticks since boot; proc(5) stat field 22)."""
    return f"{pid}:{_start_time(pid)}"


def is_alive(name: str) -> bool:
    """Whether the process of that name still runs (a zombie does not)."""
    pid, _, started = name.partition(":")
    return pid.isdigit() and started != "0" and _start_time(int(pid)) == int(started or 0)


def end(name: str) -> None:
    """Kill the process of that name, if it still runs; what it held on to is free a moment later."""
    pid, _, started = name.partition(":")
    found = proc.read(int(pid)) if pid.isdigit() else None
    if found is not None and str(found.start) == started:
        proc.send(found, signal.SIGKILL)


def _start_time(pid: int) -> int:
    found = proc.read(pid)
    return found.start if found else 0


@contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Try to hold the lock file for the block; yields whether it is held.

    The file stays: removing it would let two holders lock two inodes of one name. Children must
    not inherit the descriptor; it is close-on-exec, and our forks hold no lock.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def is_free(path: Path) -> bool:
    """Whether nobody on this host holds the lock file."""
    with exclusive(path) as held:
        return held
