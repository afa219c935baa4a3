"""The proxy as a process of its own, begun with the first connection of a step."""

import os
import signal
import socket

from stratum.door import inherited, prctl, spawn
from stratum.door.wayout.rules import Rules


class WayOut:
    """The way out of one step: a proxy that is begun when the step first asks, and ends with us."""

    def __init__(self, listener: socket.socket | None, rules: Rules, log: int, uid: int | None) -> None:
        """Take what the step asks on, if it has a network of its own.

        Args:
            log: open file to which it tells what it refuses; ours to close.
            uid: whose rights it has; None keeps ours.
        """
        self._listener, self._rules, self._log, self._uid = listener, rules, log, uid
        self._pid = 0

    def asks(self) -> list[int]:
        """List the open files that can be read as soon as the step asks for a way out."""
        return [self._listener.fileno()] if self._listener else []

    def open(self) -> int:
        """Begin the proxy; return the open file that needs no looking at any more."""
        if self._listener is None:
            message = "a step that has our network has no use for a way out"
            raise ValueError(message)
        self._pid = os.fork()
        if self._pid == 0:
            try:
                _serve(self._listener, self._rules, self._log, self._uid)
            finally:
                os._exit(1)
        return self._listener.fileno()

    def close(self) -> None:
        """End the proxy, and close the log."""
        os.close(self._log)
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


def _serve(listener: socket.socket, rules: Rules, log: int, uid: int | None) -> None:
    from stratum.door.wayout.proxy import Proxy  # 1 MB that the idle door does without

    parent = os.getppid()
    os.setsid()  # it ends with the handler, not before
    os.dup2(log, 2)
    inherited.close_all_but(listener.fileno())
    spawn.become(uid)
    prctl.die_with_parent()
    prctl.gain_no_privileges()
    if os.getppid() == parent:
        spawn.reset_signals()
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # either side of a connection may go at any time
        Proxy(listener, rules, 2).serve()
