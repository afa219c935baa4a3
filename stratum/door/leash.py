"""Ending a step that one thread waits for from another."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Leash:
    """Holds the connection on which a step's end is awaited; once cut, no step gets far any more.

    The door takes the end of the connection for the caller's leaving, and ends all that the step has started.

    Attributes:
        is_cut: whether `cut` was called.
    """

    def __init__(self) -> None:
        self.is_cut = False
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None

    @contextmanager
    def on(self, connection: socket.socket) -> Iterator[None]:
        """Hold a connection for the block; it is shut down as soon as the leash is cut, or has been."""
        with self._lock:
            self._connection = connection
            if self.is_cut:
                _shut(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connection = None

    def cut(self) -> None:
        """End the step that runs, and each that is begun later."""
        with self._lock:
            self.is_cut = True
            if self._connection is not None:
                _shut(self._connection)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):  # the other side has left already
        connection.shutdown(socket.SHUT_RDWR)
