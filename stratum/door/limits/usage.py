"""What the processes of a step use, as their /proc tells.

Source: proc(5). Threads and statm can be read by everybody. What processes share is counted once by
smaps_rollup, which walks all their pages: it is read only when the quick sum is above the limit.
"""

import os
import resource
from collections.abc import Iterable

_THREADS, _RESIDENT, _SHARED = 17, 1, 2  # fields, the first being 0; of stat after the name
_COUNTED = (b"Pss_Anon:", b"Pss_Shmem:")
_PAGE = resource.getpagesize()
_KIB = 1024


def inside(folder: int) -> list[int]:
    """List the processes of a /proc, an open folder."""
    return [int(name) for name in os.listdir(folder) if name.isdigit()]


def threads(folder: int, pids: Iterable[int]) -> int:
    """Count the threads of processes, the first of each included."""
    texts = (_read(folder, pid, "stat") for pid in pids)
    return sum(int(text.rpartition(b")")[2].split()[_THREADS]) for text in texts if text)


def is_above(folder: int, pids: list[int], memory_bytes: int) -> bool:
    """Whether processes together have more memory than this."""
    if _quick(folder, pids) <= memory_bytes:
        return False
    exact = [_exact(folder, pid) for pid in pids]
    return sum(exact) > memory_bytes if any(exact) else True


def _quick(folder: int, pids: list[int]) -> int:
    """Add up what is resident and of no file; forks that still share their pages count too often."""
    fields = (_read(folder, pid, "statm").split() for pid in pids)
    return sum(int(field[_RESIDENT]) - int(field[_SHARED]) for field in fields if field) * _PAGE


def _exact(folder: int, pid: int) -> int:
    """Nothing where we may not look: root without CAP_SYS_PTRACE."""
    lines = _read(folder, pid, "smaps_rollup").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(_COUNTED)) * _KIB


def _read(folder: int, pid: int, name: str) -> bytes:
    try:
        handle = os.open(f"{pid}/{name}", os.O_RDONLY, dir_fd=folder)
    except OSError:  # it has ended, or is not ours to look at
        return b""
    try:
        return os.read(handle, 1 << 14)
    except OSError:
        return b""
    finally:
        os.close(handle)
