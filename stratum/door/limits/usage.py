"""What the processes of a step use, as their /proc tells.

Source: proc(5). Threads, statm and status can be read by everybody. What processes share is counted once
by smaps_rollup, which walks all their pages: it is read only when sums that are never too low are above
the limit. Memory that no process has mapped is none of these; a step is refused such (fencing/calls.py).
"""

import os
import resource
from collections.abc import Iterable

_THREADS, _RESIDENT = 17, 1  # fields, the first being 0; of stat after the name
_SHARES, _WHOLES = (b"Pss_Anon:", b"Pss_Shmem:"), (b"RssAnon:", b"RssShmem:")
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
    if _resident(folder, pids) <= memory_bytes:
        return False
    if sum(_whole(folder, pid) for pid in pids) <= memory_bytes:
        return False
    # Twice, since one that forks between two readings counts whole, and its children's shares besides.
    return all(sum(_share(folder, pid) for pid in pids) > memory_bytes for _ in range(2))


def _share(folder: int, pid: int) -> int:
    # Where we may not look, as root without CAP_SYS_PTRACE, what is shared counts once for each. Asked again,
    # since one that has ended meanwhile cannot be looked at either, and has none.
    return _sum(folder, pid, "smaps_rollup", _SHARES) or _whole(folder, pid)


def _whole(folder: int, pid: int) -> int:
    return _sum(folder, pid, "status", _WHOLES)


def _resident(folder: int, pids: list[int]) -> int:
    """Add up all that is resident: files too, and what is shared as often as it is."""
    fields = (_read(folder, pid, "statm").split() for pid in pids)
    return sum(int(field[_RESIDENT]) for field in fields if field) * _PAGE


def _sum(folder: int, pid: int, name: str, wanted: tuple[bytes, ...]) -> int:
    lines = _read(folder, pid, name).splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(wanted)) * _KIB


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
