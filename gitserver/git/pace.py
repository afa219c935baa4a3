"""How long a client may take to send: a time for all of it, and a least rate of what it sends.

gunicorn's readers ask the socket until they have all that was wanted (27.0, gunicorn/http/body.py),
so that a client who sends a byte now and then never lets them return. The clock is looked at where
each of them must pass: at recv.
"""

import select
import socket
import time
from typing import Any

GRACE_S = 30.0  # of waiting, before the rate counts
LEAST_RATE = 1024  # bytes a second


class TooSlow(OSError):
    """The client has not sent what it should have by now."""


class Pace:
    """Of one body. Only time in which we wait for the client counts for the rate.

    Args:
        seconds: for all that is sent, from now on.
    """

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds
        self._waited = 0.0
        self._received = 0

    def allow(self, seconds: float) -> None:
        """Give so much time from now, whatever was given before."""
        self._at = time.monotonic() + seconds

    def allow_at_least(self, seconds: float) -> None:
        """Give so much time from now, if less is left."""
        self._at = max(self._at, time.monotonic() + seconds)

    def left_s(self) -> float:
        """How long the next byte may take."""
        of_rate = GRACE_S + self._received / LEAST_RATE - self._waited
        return min(of_rate, self._at - time.monotonic())

    def note(self, waited_s: float, received: int) -> None:
        """Count what has come, and how long it took."""
        self._waited += waited_s
        self._received += received


class PacedSource:
    """A request's `wsgi.input`, read at a pace.

    Args:
        source: gunicorn's; one that reads no socket, as in some tests, is left to itself.
    """

    def __init__(self, source: Any, connection: socket.socket | None, pace: Pace) -> None:  # untyped
        self._source = source
        self._unreader = None if connection is None else _unreader(source)
        self._paced = None if connection is None else _PacedSocket(connection, pace)

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes; nothing at the end.

        Raises:
            TooSlow: they do not come in time. There is no reading on after that.
        """
        if self._unreader is None:
            return bytes(self._source.read(size))
        ordinary, self._unreader.sock = self._unreader.sock, self._paced
        try:
            return bytes(self._source.read(size))
        finally:
            self._unreader.sock = ordinary


class _PacedSocket:
    """What gunicorn's `SocketUnreader` needs of a socket."""

    def __init__(self, connection: socket.socket, pace: Pace) -> None:
        self._connection, self._pace = connection, pace
        self._poll = select.poll()
        self._poll.register(connection.fileno(), select.POLLIN)

    def recv(self, size: int) -> bytes:
        began, left_s = time.monotonic(), self._pace.left_s()
        if left_s <= 0 or not self._poll.poll(left_s * 1000):
            raise TooSlow
        data = self._connection.recv(size)
        self._pace.note(time.monotonic() - began, len(data))
        return data


def _unreader(source: Any) -> Any:  # gunicorn has no types
    reader = getattr(source, "reader", None)
    found = getattr(reader, "unreader", None)
    return found or getattr(getattr(reader, "req", None), "unreader", None)  # ChunkedReader has it there
