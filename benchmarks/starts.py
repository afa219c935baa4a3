"""A program that tells, by UDP on loopback, that it has started: the same one for us and for a peer."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.errors import require

# `&&`, since a `;` begins a comment in the files of a peer.
_PROGRAM = "echo $$ > /dev/udp/127.0.0.1/{port} && exec sleep 1000000"
_LONGEST_START_S = 120.0
# The kernel notes when each was received: whoever is to hear of it may still be busy with the call.
_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; Python has no name for it
_TIMESPEC = struct.Struct("qq")


@dataclass(frozen=True, slots=True)
class Start:
    """A process runs; since when (`time.time()`)."""

    pid: int
    at: float


@dataclass(frozen=True, slots=True)
class Starts:
    """An ear for the starts of one program."""

    ear: socket.socket

    @property
    def program(self) -> str:
        """What bash is to run."""
        return _PROGRAM.format(port=self.ear.getsockname()[1])

    def next(self) -> Start:
        """Wait for a start; what nobody has waited for comes first."""
        said, notes, _, _ = self.ear.recvmsg(64, 64)
        ((_, _, stamp),) = notes
        seconds, nanoseconds = _TIMESPEC.unpack(stamp)
        return Start(int(said), seconds + nanoseconds / 1e9)

    def next_ones(self, count: int) -> list[Start]:
        """Wait for so many."""
        return [self.next() for _ in range(count)]

    def require_none(self) -> None:
        """See that nothing has started that nobody waited for: it would be taken for what comes next."""
        self.ear.setblocking(False)
        try:
            said = self.ear.recv(64)
        except BlockingIOError:
            said = b""
        finally:
            self.ear.settimeout(_LONGEST_START_S)
        require(not said, "nothing starts but what is timed", said.decode())


@contextmanager
def starting() -> Iterator[Starts]:
    """Listen while the block runs."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(_LONGEST_START_S)
        yield Starts(ear)
