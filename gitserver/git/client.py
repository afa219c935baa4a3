"""The client's side of a long answer: whether anybody still reads it."""

import select
import socket

# One recv or send of at most a few packets: who takes longer has gone without saying so.
PATIENCE_S = 300.0


class Client:
    """Watches the connection of one request.

    Args:
        connection: `environ["gunicorn.socket"]`; None where a test serves without sockets.
    """

    def __init__(self, connection: socket.socket | None) -> None:
        self._connection = connection
        self._quiet = connection is None  # nothing (more) to learn from it
        self._gone = False
        if connection is not None:
            connection.settimeout(PATIENCE_S)  # gunicorn sets it blocking again for the next request

    def fileno(self) -> int:
        """Descriptor to poll for reading; -1 when that would tell nothing."""
        return -1 if self._quiet or self._connection is None else self._connection.fileno()

    def is_gone(self) -> bool:
        """Whether the client has closed its side. Only to be asked when the body has been read.

        Through Caddy, too: it closes its connection to us when its client goes.
        """
        if not self._quiet and not self._gone:
            self._look()
        return self._gone

    def left(self) -> None:
        """Note that reading from or writing to the client has failed."""
        self._gone = self._quiet = True

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until the client says or closes something."""
        poll = select.poll()
        if self.fileno() >= 0:
            poll.register(self.fileno(), select.POLLIN)
        poll.poll(seconds * 1000)

    def _look(self) -> None:
        assert self._connection is not None
        if not _is_readable(self._connection):
            return
        try:
            said = self._connection.recv(1, socket.MSG_PEEK)
        except OSError:
            said = b""
        if said:  # the next request, pipelined: from now on its bytes hide the end
            self._quiet = True
        else:
            self.left()


def _is_readable(connection: socket.socket) -> bool:
    """Ask the kernel: a socket with a timeout makes even MSG_DONTWAIT wait (CPython 3.11, sock_call_ex)."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
