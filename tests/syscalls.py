"""What a process and all it starts ask of the disk and of others, in order, each seen before it is done.

No tracer has to be installed for it, and what is watched waits while it is looked at.
Source: seccomp_unotify(2), linux/seccomp.h. Every call seen goes on unchanged.
"""

import array
import fcntl
import os
import platform
import select
import socket
import struct
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

# Numbers by asm/unistd_64.h and asm-generic/unistd.h; -1 is none.
_NUMBERS = {
    "x86_64": {
        "write": 1,
        "pwrite64": 18,
        "writev": 20,
        "sendto": 44,
        "fsync": 74,
        "fdatasync": 75,
        "rename": 82,
        "link": 86,
        "renameat": 264,
        "linkat": 265,
        "renameat2": 316,
    },
    "aarch64": {
        "write": 64,
        "pwrite64": 68,
        "writev": 66,
        "sendto": 206,
        "fsync": 82,
        "fdatasync": 83,
        "renameat": 38,
        "linkat": 37,
        "renameat2": 276,
    },
}[platform.machine()]
_NAMES = {number: name for name, number in _NUMBERS.items()}
_WRITES = ("write", "pwrite64", "sendto")
_SYNCS = ("fsync", "fdatasync")
_RECEIVE, _SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV and _SEND
_CONTINUE = 1
_NOTICE = struct.Struct("QIIiIQ6Q")
_SHOWN = 4096
_PATH_MAX = 4096


@dataclass(frozen=True)
class Call:
    """One call, about to be done.

    Attributes:
        kind: `write`, `sync` or `name` (a rename or a hard link).
        path: of the file, or the new name; `pipe:[…]` and the like for what is no file.
        inode: of what is written or synced; 0 for a name.
        data: the beginning of what is written; of a name: the one before.
    """

    thread: int
    kind: str
    path: str
    inode: int = 0
    data: bytes = b""


class Syscalls:
    """Watches the program that is started with `words` before it; what it did is in `calls`.

    End the program before the block ends: what is watched cannot go on by itself.
    """

    def __init__(self, folder: Path) -> None:
        self.calls: list[Call] = []
        self._place = folder / "calls"
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(self._place))
        self._door.listen()
        self._thread = threading.Thread(target=self._run, name="syscalls", daemon=True)

    @property
    def words(self) -> tuple[str, ...]:
        numbers = ",".join(map(str, _NUMBERS.values()))
        return (sys.executable, str(Path(__file__).with_name("watched.py")), str(self._place), numbers)

    def __enter__(self) -> "Syscalls":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(60)
        self._door.close()

    def _run(self) -> None:
        connection, _ = self._door.accept()
        with connection:
            _, (listener,), _, _ = socket.recv_fds(connection, 1, 1)
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        try:
            while not poll.poll()[0][1] & select.POLLHUP:  # it comes when the last of them has ended
                self._see_one(listener)
        finally:
            os.close(listener)

    def _see_one(self, listener: int) -> None:
        notice = array.array("B", bytes(_NOTICE.size))
        try:
            fcntl.ioctl(listener, _RECEIVE, notice)
        except OSError:  # killed while it waited
            return
        number, thread, _, call, _, _, *given = _NOTICE.unpack(notice)
        try:
            self.calls.append(_call(thread, _NAMES[call], given))
        except OSError:  # killed, or a descriptor that is not open
            pass
        finally:
            self._let_go_on(listener, number)

    def _let_go_on(self, listener: int, number: int) -> None:
        answer = array.array("B", struct.pack("QqiI", number, 0, 0, _CONTINUE))
        try:
            fcntl.ioctl(listener, _SEND, answer)
        except OSError:
            return


def _call(thread: int, name: str, given: list[int]) -> Call:
    if name in _WRITES or name in _SYNCS or name == "writev":
        link = f"/proc/{thread}/fd/{given[0]}"
        data = _memory(thread, given[1], min(given[2], _SHOWN)) if name in _WRITES else b""
        kind = "sync" if name in _SYNCS else "write"
        return Call(thread, kind, os.readlink(link), os.stat(link).st_ino, data)  # noqa: PTH115, PTH116 - no path
    old, new = ((None, 0), (None, 1)) if name in ("rename", "link") else ((0, 1), (2, 3))
    return Call(thread, "name", _path(thread, given, new), data=os.fsencode(_path(thread, given, old)))


def _path(thread: int, given: list[int], where: tuple[int | None, int]) -> str:
    """Read a path that was given, and the folder that it starts from where it is relative."""
    folder, text = where
    is_cwd = folder is None or given[folder] >> 31 & 1  # AT_FDCWD is negative
    start = os.readlink(f"/proc/{thread}/{'cwd' if is_cwd else f'fd/{given[folder or 0]}'}")  # noqa: PTH115
    return os.path.normpath(os.path.join(start, _text(thread, given[text])))  # noqa: PTH118


def _text(thread: int, address: int) -> str:
    """Read a C string; it may end just before a page that is not there."""
    page = 4096 - address % 4096
    data = _memory(thread, address, page)
    if b"\0" not in data:
        data += _memory(thread, address + page, _PATH_MAX)
    return os.fsdecode(data.partition(b"\0")[0])


def _memory(thread: int, address: int, count: int) -> bytes:
    with open(f"/proc/{thread}/mem", "rb", buffering=0) as memory:  # noqa: PTH123
        return os.pread(memory.fileno(), count, address)
