"""The pipes of the apps' processes behind one descriptor, so that supervisord's loop is as quick with 3,000.

Loaded into supervisord, whose loop builds a map of every pipe, asks each whether it wants to read or write,
and hands all of them to poll(2), in every pass (4.3.0, `runforever`); a call over XML-RPC takes five
passes. Here epoll(7) tells the few that have something, and its own descriptor stands for all of them.

Of each, so much is read in a second and no more: what floods is then held back by its own full pipe.
"""

import select
from typing import Any

from runner.engines.supervisord.seconds import Seconds
from runner.engines.supervisord.wakeup import Wakeup

_AT_ONCE = 256  # of one pass; the others are told in the next


class Pipes:
    """Reads and writes the pipes that are ready.

    It has the methods that supervisord's loop asks of whatever is in its socket map.
    """

    def __init__(self, seconds: Seconds | None = None) -> None:
        self._lives: list[select.epoll] = []
        self._dispatchers: dict[int, Any] = {}
        self._held: set[int] = set()  # of these, those that are not read until the second is over
        self._seconds = seconds or Seconds()

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
        self._held.clear()
        self._lives.append(select.epoll())
        sockets[self._ready.fileno()] = self

    def add(self, dispatchers: dict[int, Any]) -> None:
        """Take in those of a process that want to read or write now."""
        for fd, dispatcher in dispatchers.items():
            if fd not in self._dispatchers and _wanted(dispatcher):
                self._dispatchers[fd] = dispatcher
                self._ready.register(fd, _wanted(dispatcher))

    def drop(self, fds: Any) -> None:
        """Leave descriptors alone, before they are closed."""
        for fd in fds:
            if self._dispatchers.pop(fd, None) and fd not in self._held:
                self._ready.unregister(fd)
            self._held.discard(fd)
            self._seconds.forget(fd)

    def readable(self) -> bool:
        """Poll it always. The loop asks before each poll: with a new second, all are read again."""
        if self._seconds.begins():
            self._go_on()
        elif self._held:
            Wakeup.soon(self._seconds.left_s())
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
            elif ready & select.EPOLLIN and self._seconds.is_spent(fd, dispatcher.read_bytes):
                self._hold(fd)

    def _hold(self, fd: int) -> None:
        """Taken out of epoll, as that tells the end of a pipe also to who asks for nothing."""
        self._held.add(fd)
        self._ready.unregister(fd)
        self._dispatchers[fd].held_back()

    def _go_on(self) -> None:
        for fd in self._held:
            self._ready.register(fd, _wanted(self._dispatchers[fd]))
        self._held.clear()

    def handle_error(self) -> None:
        """Nothing is left to do: each pipe's own errors are its own."""


def _wanted(dispatcher: Any) -> int:
    reads, writes = dispatcher.readable(), dispatcher.writable()
    return (select.EPOLLIN if reads else 0) | (select.EPOLLOUT if writes else 0)
