"""The pipes of the apps' processes behind one descriptor, so that supervisord's loop is as quick with 3,000.

Loaded into supervisord, whose loop builds a map of every pipe, asks each whether it wants to read or write,
and hands all of them to poll(2), in every pass (4.3.0, `runforever`); a call over XML-RPC takes five
passes. Here epoll(7) tells the few that have something, and its own descriptor stands for all of them.
"""

import select
from typing import Any

_AT_ONCE = 256  # of one pass; the others are told in the next


class Pipes:
    """Reads and writes the pipes that are ready.

    It has the methods that supervisord's loop asks of whatever is in its socket map.
    """

    def __init__(self) -> None:
        self._lives: list[select.epoll] = []
        self._dispatchers: dict[int, Any] = {}

    @property
    def _ready(self) -> select.epoll:
        return self._lives[-1]

    def install(self, supervisord: Any) -> None:
        """Stand in the loop for all of them.

        At SIGHUP supervisord starts anew in the same process, and closes all descriptors. The former
        one's is kept, for Python would close its number, which may be another's by now.
        """
        sockets = supervisord.options.get_socket_map()
        for fd in [fd for fd, dispatcher in sockets.items() if dispatcher is self]:
            del sockets[fd]
        self._dispatchers.clear()
        self._lives.append(select.epoll())
        sockets[self._ready.fileno()] = self

    def add(self, dispatchers: dict[int, Any]) -> None:
        """Take in those of a process that want to read or write now."""
        for fd, dispatcher in dispatchers.items():
            wanted = (select.EPOLLIN if dispatcher.readable() else 0) | (
                select.EPOLLOUT if dispatcher.writable() else 0
            )
            if wanted and fd not in self._dispatchers:
                self._dispatchers[fd] = dispatcher
                self._ready.register(fd, wanted)

    def drop(self, fds: Any) -> None:
        """Leave descriptors alone, before they are closed."""
        for fd in fds:
            if self._dispatchers.pop(fd, None):
                self._ready.unregister(fd)

    def readable(self) -> bool:
        """Poll it always."""
        return True

    def writable(self) -> bool:
        """Nothing is written to epoll itself."""
        return False

    def handle_read_event(self) -> None:
        """Serve each that is ready once, so that no flood delays the others."""
        for fd, ready in self._ready.poll(0, _AT_ONCE):
            dispatcher = self._dispatchers[fd]
            try:
                if ready & ~select.EPOLLOUT and dispatcher.readable():
                    dispatcher.handle_read_event()
                if ready & ~select.EPOLLIN and dispatcher.writable():
                    dispatcher.handle_write_event()
            except Exception:
                dispatcher.handle_error()
            if not (dispatcher.readable() or dispatcher.writable()):
                self.drop((fd,))

    def handle_error(self) -> None:
        """Nothing is left to do: each pipe's own errors are its own."""
