"""System calls that Python 3.11 lacks: namespaces and mounts.

Source: unshare(2), mount(2), mount_setattr(2), pivot_root(2), capset(2); numbers are those of x86_64
and, for calls made after 2011, of every machine (linux/syscalls of each).
"""

import ctypes
import errno
import os
import platform
import struct
from pathlib import Path

NEW_VIEW = 0x00020000  # CLONE_NEWNS
NEW_IPC = 0x08000000
NEW_USER = 0x10000000
NEW_PROCESSES = 0x20000000  # CLONE_NEWPID
NEW_NETWORK = 0x40000000

NOSUID, NODEV, NOEXEC = 2, 4, 8
BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 0x40000
READ_ONLY = 1  # MOUNT_ATTR_RDONLY, and MS_RDONLY
_DETACH = 2
_SET_ATTR = 442
_PIVOT_ROOT = {
    "x86_64": 155,
    "aarch64": 41,
    "riscv64": 41,
    "armv7l": 218,
    "i686": 217,
    "ppc64le": 203,
    "s390x": 217,
}
_CAPABILITIES_VERSION = 0x20080522
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_ATTR = struct.Struct("4Q")  # set, clear, propagation, userns_fd

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave namespaces for new ones; that of processes holds for children only."""
    done = _libc.unshare(flags)
    if done and ctypes.get_errno() == errno.ENOSPC:  # no disk is meant
        raise OSError(errno.ENOSPC, "unshare: there are as many namespaces as sysctl user.max_* allows")
    _checked("unshare", done)


def mount(source: str, target: Path, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount something.

    Args:
        kind: of file system; empty for what needs none, as a bind.
    """
    done = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        options.encode() or None,
    )
    _checked(f"mount on {target}", done)


def bind(source: Path, target: Path, *, recursive: bool = False) -> None:
    """Show a folder or file at another place."""
    mount(str(source), target, flags=BIND | (RECURSIVE if recursive else 0))


def set_read_only(target: Path, *, value: bool = True, recursive: bool = False) -> None:
    """Close a mount, with `recursive` all that is mounted below it as well, to writing; or open it."""
    attr = _ATTR.pack(READ_ONLY if value else 0, 0 if value else READ_ONLY, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    done = _libc.syscall(
        ctypes.c_long(_SET_ATTR),
        ctypes.c_int(_AT_FDCWD),
        os.fsencode(target),
        ctypes.c_uint(flags),
        attr,
        ctypes.c_size_t(len(attr)),
    )
    _checked(f"mount_setattr of {target}", done)


def enter_root(folder: Path) -> None:
    """Make a mount the root folder, and let go of the old one."""
    number = _PIVOT_ROOT.get(platform.machine())
    if number is None:
        raise OSError(f"pivot_root is not known on {platform.machine()}")  # noqa: TRY003, EM102
    os.chdir(folder)
    _checked("pivot_root", _libc.syscall(ctypes.c_long(number), b".", b"."))
    _checked("umount2", _libc.umount2(b".", _DETACH))
    os.chdir("/")


def drop_capabilities() -> None:
    """Give up every capability of this process."""
    header = struct.pack("Ii", _CAPABILITIES_VERSION, 0)
    _checked("capset", _libc.capset(header, bytes(24)))


def _checked(call: str, done: int) -> None:
    if done:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
