"""Making forks of the tests' own process cheap: a door without a server makes four of them for a step.

A process that has collected all tests holds 170 MB. Each fork copies the table of its pages, one entry for
4 KiB, and takes the copy down again: up to 24 ms on a virtual machine. A large page has one entry for 2 MiB.
"""

import ctypes
import gc
from collections.abc import Iterator
from pathlib import Path

COLLAPSE = (
    25  # MADV_COLLAPSE of linux/mman.h, since Linux 6.1; an older kernel refuses it, and forks stay slow
)
LARGE = 1 << 21


def ease() -> None:
    """Put what this process holds into large pages, and keep the collector from writing to each again."""
    gc.collect()
    gc.freeze()
    libc = ctypes.CDLL(None)
    for start, length in held(Path("/proc/self/maps").read_text()):
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), COLLAPSE)


def held(maps: str) -> Iterator[tuple[int, int]]:
    """List the memory of a process, as address and length, by whole large pages (proc(5), /proc/pid/maps)."""
    for line in maps.splitlines():
        ends, rights, _, _, inode, *name = line.split()
        if rights.startswith("rw") and inode == "0" and name in ([], ["[heap]"]):
            begin, end = (int(number, 16) for number in ends.split("-"))
            begin = -(-begin // LARGE) * LARGE
            if (length := (end - begin) // LARGE * LARGE) > 0:
                yield begin, length
