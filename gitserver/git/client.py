"""The client's side of a long answer: whether anybody still reads it."""

import select
import socket

from gitserver.git.pace import Pace, PacedSource

# One recv or send of at most a few packets: who takes longer has gone without saying so.
PATIENCE_S = 300.0

# Also while bytes of the body wait to be read, which hide the end from a recv (poll(2)). A client that
# only shuts its writing side counts as gone: no git does so.
GONE = select.POLLRDHUP


class Client:
    """Watches the connection of one request.

    Args:
        connection: `environ["gunicorn.socket"]`; None where a test serves without sockets.
        seconds: how long it may take to send its body.

    Attributes:
        pace: of its body.
    """

    def __init__(self, connection: socket.socket | None, seconds: float = PATIENCE_S) -> None:
        self._connection = connection
        self.pace = Pace(seconds)
        self._gone = False
        if connection is not None:
            connection.settimeout(PATIENCE_S)  # gunicorn sets it blocking again for the next request

    def fileno(self) -> int:
        """Descriptor to poll for `GONE`; -1 when that would tell nothing."""
        return -1 if self._gone or self._connection is None else self._connection.fileno()

    def is_gone(self) -> bool:
        """Whether the client has closed its side.

        Through Caddy, too: it closes its connection to us when its client goes.
        """
        if self.fileno() >= 0:
            self.wait(0)
        return self._gone

    def sends(self, source: object) -> PacedSource:
        """Give what it sends, in the time that it has.

        Args:
            source: `environ["wsgi.input"]`.
        """
        return PacedSource(source, self._connection, self.pace)

    def left(self) -> None:
        """Note that reading from or writing to the client has failed."""
        self._gone = True

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until the client closes."""
        poll = select.poll()
        if self.fileno() >= 0:
            poll.register(self.fileno(), GONE)
        if poll.poll(seconds * 1000):
            self.left()
