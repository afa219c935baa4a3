"""Wait for the end of a step, while its way out and its limits are seen to."""

import os
import select
import signal
import socket
import time
from dataclasses import dataclass

from stratum.door import spawn
from stratum.door.limits.limits import DISK
from stratum.door.limits.watch import LOOK_MS, Watch
from stratum.door.wayout.process import WayOut

_FILE_TOO_LARGE = 128 + signal.SIGXFSZ


@dataclass(frozen=True, slots=True)
class Ending:
    """How a step ended: its exit code, or None when it was, or is to be, ended by us.

    Attributes:
        caller_left: that was why.
        over: it was this limit; empty for none. Else its time was over.
    """

    exit_code: int | None
    caller_left: bool = False
    over: str = ""


def end(pid: int, caller: socket.socket, beside: tuple[WayOut, Watch], timeout_s: float) -> Ending:
    """Wait until a step ends, its time is over, it breaks a limit, or its caller closes the connection."""
    way_out, watch = beside
    deadline = time.monotonic() + timeout_s
    handle = os.pidfd_open(pid)
    poll = select.poll()
    for fd in (handle, caller.fileno(), *way_out.asks()):
        poll.register(fd, select.POLLIN)
    try:
        while (left_ms := int((deadline - time.monotonic()) * 1000)) > 0:
            ready = {fd for fd, _ in poll.poll(min(left_ms, LOOK_MS))}
            if handle in ready:
                return _ended(pid, watch)
            if caller.fileno() in ready:
                return Ending(None, caller_left=True)
            if ready:
                poll.unregister(way_out.open())
            elif over := watch.look():
                return Ending(None, over=over)
        return Ending(None)
    finally:
        os.close(handle)


def _ended(pid: int, watch: Watch) -> Ending:
    """Tell how it ended; a shell says of its last command what the kernel would, and so may any program."""
    code = spawn.exit_code(os.waitpid(pid, 0)[1])
    if code == _FILE_TOO_LARGE and watch.has_full_file():
        return Ending(None, over=DISK)
    return Ending(code)
