"""System calls that a step is refused, by a filter that holds for all that it starts.

What it could get round a fence or a limit by: user namespaces of its own (any file system in memory,
charged to nobody), memory that belongs to no process, the host's sockets that no network namespace
divides, and keys. Source: seccomp(2), bpf(4), vsock(7); numbers are those of linux/unistd.h.
"""

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass

from stratum.door.fencing.kernel import NEW_USER

AF_VSOCK = 40
LARGEST_SHARED = 64 << 10  # of System V; there are 4,096 pieces at most (sysctl kernel.shmmni)

_X32 = 0x40000000  # numbers from here on are x86_64's with short addresses; none are aarch64's
_NR, _ARCH, _ARGUMENT = 0, 4, 16  # places in struct seccomp_data
_LOAD, _EQUAL, _ABOVE, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_NOT_BELOW = 0x35
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_SET_FILTER, _NO_SLOWER = 1, 4  # SECCOMP_FILTER_FLAG_SPEC_ALLOW: as fast as without it on older kernels
_ORDER = struct.Struct("=HBBI")


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Of one kind of machine."""

    arch: int  # AUDIT_ARCH_…
    seccomp: int
    shmget: int
    socket: int
    clone: int
    unshare: int
    keys: tuple[int, ...]  # add_key, request_key, keyctl
    memfd_create: int


_MACHINES = {
    "x86_64": _Numbers(0xC000003E, 317, 29, 41, 56, 272, (248, 249, 250), 319),
    "aarch64": _Numbers(0xC00000B7, 277, 194, 198, 220, 97, (217, 218, 219), 279),
}
_CLONE3, _IO_URING_SETUP, _MEMFD_SECRET = 435, 425, 447  # of every machine

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("orders", ctypes.c_char_p))


def missing() -> str:
    """Say why there is no filter on this machine; empty where there is one."""
    machine = platform.machine()
    return "" if machine in _MACHINES else f"none is known for {machine}"


def filter_() -> bytes:
    """Write the filter as the kernel takes it.

    Raises:
        KeyError: there is none for this machine.
    """
    numbers = _MACHINES[platform.machine()]
    return b"".join(
        (
            _order(_LOAD, _ARCH),
            _order(_EQUAL, numbers.arch, 1, 0),
            _failure(errno.ENOSYS),  # a 32-bit program's, whose numbers are others
            _order(_LOAD, _NR),
            _order(_NOT_BELOW, _X32, 0, 1),
            _failure(errno.ENOSYS),
            # Who finds none of these takes an older way: clone for clone3, whose flags lie where no
            # filter can look, epoll for io_uring, which makes sockets unseen, a file for a memfd.
            *(_refused(number, errno.ENOSYS) for number in (_CLONE3, _IO_URING_SETUP)),
            *(_refused(number, errno.ENOSYS) for number in (numbers.memfd_create, _MEMFD_SECRET)),
            *(_refused(number, errno.EPERM) for number in numbers.keys),
            _refused_where((numbers.clone, 0), _ANY_BIT, NEW_USER, errno.EPERM),
            _refused_where((numbers.unshare, 0), _ANY_BIT, NEW_USER, errno.EPERM),
            _refused_where((numbers.socket, 0), _EQUAL, AF_VSOCK, errno.EAFNOSUPPORT),
            _refused_where((numbers.shmget, 2), _ABOVE, LARGEST_SHARED, errno.EINVAL),
            _refused_where((numbers.shmget, 3), _ABOVE, 0, errno.EINVAL),
            _order(_RETURN, _ALLOW),
        )
    )


def number() -> int:
    """Tell which system call sets a filter."""
    return _MACHINES[platform.machine()].seccomp


def confine(orders: bytes) -> None:
    """Hold this process, and all it starts, to a filter; it must have given up gaining privileges.

    Raises:
        OSError: the kernel has no such filters.
    """
    program = _Program(len(orders) // _ORDER.size, orders)
    done = _libc.syscall(
        ctypes.c_long(number()), ctypes.c_uint(_SET_FILTER), ctypes.c_uint(_NO_SLOWER), ctypes.byref(program)
    )
    if done:
        code = ctypes.get_errno()
        raise OSError(code, f"seccomp: {os.strerror(code)}")


def _order(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    return _ORDER.pack(code, if_so, if_not, value)


def _failure(number: int) -> bytes:
    return _order(_RETURN, _FAIL | number)


def _refused(number: int, reason: int) -> bytes:
    """Refuse a call; the number is loaded, here and after."""
    return _order(_EQUAL, number, 0, 1) + _failure(reason)


def _refused_where(call: tuple[int, int], test: int, value: int, reason: int) -> bytes:
    """Refuse a call by half of an argument.

    Args:
        call: its number, and which half: 0 is the lower one of the first argument, 1 its higher one.
    """
    number, half = call
    tested = (
        _order(_LOAD, _ARGUMENT + 4 * half)  # little-endian, as both machines are
        + _order(test, value, 0, 1)
        + _failure(reason)
        + _order(_LOAD, _NR)  # for what comes after
    )
    return _order(_EQUAL, number, 0, len(tested) // _ORDER.size) + tested
