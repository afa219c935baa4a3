"""A limit on how slowly a client of the API may send its request and read the answer.

Each holds a thread meanwhile. A log or a poll, which last, have patience of their own
(gitserver/git/client.py) once they have begun.
"""

import socket
from contextlib import suppress

from flask import request
from werkzeug.exceptions import RequestTimeout

from gitserver.git.pace import Pace, PacedSource, TooSlow

BODY_S = 30.0  # for all of it
SEND_S = 60.0  # for each piece of the answer: an ordinary one has but one


def limit() -> None:
    """Bind the present request, whose body has not been looked at."""
    connection: socket.socket | None = request.environ.get("gunicorn.socket")
    if connection is None:
        return
    connection.settimeout(SEND_S)  # gunicorn sets it blocking again for the next request
    request.environ["wsgi.input"] = _Source(request.environ["wsgi.input"], connection)


class _Source:
    """A request's `wsgi.input`, which must come in time."""

    def __init__(self, source: object, connection: socket.socket) -> None:
        self._connection = connection
        self._source = PacedSource(source, connection, Pace(BODY_S))

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes; nothing at the end.

        Raises:
            RequestTimeout: they have not come in time; the client is not listened to any more.
        """
        try:
            return self._source.read(size)
        except TooSlow as error:
            with suppress(OSError):  # it has gone
                self._connection.shutdown(socket.SHUT_RD)  # gunicorn would read on to find the next request
            raise RequestTimeout from error
