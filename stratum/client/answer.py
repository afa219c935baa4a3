"""What a server answers on a connection, read as it comes.

By httptools, which is llhttp, the parser of Node.js: `http.client` brings `email` and `ssl`, for which every
command would wait longer than for its answer.
"""

from collections.abc import Iterator
from typing import Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

CHUNK_BYTES = 1 << 16
MAX_HEAD_BYTES = 1 << 16
_FIRST_FINAL = 200  # those below announce another answer (RFC 9110, 15.2)
_BROKE_OFF = "its answer broke off"
_NO_HTTP = "what it answered is no HTTP"


class Source(Protocol):
    """What an answer comes from, such as a socket."""

    def recv(self, most: int, /) -> bytes:
        """Wait for some bytes; none is the end."""


class BadAnswer(Exception):
    """It is no HTTP, or not all of it."""


class Answer:
    """The answer to one request; made when its head has come.

    Attributes:
        status: such as 200.
        reason: what the server calls that.

    Raises:
        ConnectionError: the connection was closed before anything came.
        OSError: it cannot be read, or nothing came in time.
        BadAnswer: what came is no HTTP, or not all of the head came.
    """

    def __init__(self, connection: Source) -> None:
        self._connection = connection
        self._parser = HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._has_head = self._is_whole = self._is_measured = False
        self.status, self.reason = 0, ""
        heard = 0
        while not self._has_head:
            heard += (length := self._hear())
            if not length and not heard:
                message = "it closed the connection without an answer"
                raise ConnectionAbortedError(message)
            if not length:
                raise BadAnswer(_BROKE_OFF)
            if heard > MAX_HEAD_BYTES and not self._has_head:
                raise BadAnswer(_NO_HTTP)

    def body(self) -> Iterator[bytes]:
        """Yield what follows the head, as it comes.

        Raises:
            OSError, BadAnswer: as for the head; not all of it came.
        """
        while True:
            pieces, self._pieces = self._pieces, []
            yield from pieces
            if self._is_whole:
                return
            if not self._hear():
                if self._is_measured:
                    raise BadAnswer(_BROKE_OFF)
                self._is_whole = True  # only its end tells how long it is (RFC 9112, 6.3)

    def on_status(self, status: bytes) -> None:
        """Take the reason; more of it may come."""
        if not self._has_head:
            self.reason += status.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        is_chunked = name.lower() == b"transfer-encoding" and value.lower().rstrip().endswith(b"chunked")
        self._is_measured |= is_chunked or name.lower() == b"content-length"

    def on_headers_complete(self) -> None:
        """Take the end of the head."""
        if not self._has_head:
            self.status = self._parser.get_status_code()
            self._has_head = self.status >= _FIRST_FINAL

    def on_body(self, piece: bytes) -> None:
        """Take a part of the body."""
        if not self._is_whole:  # what comes after an answer is of no request of ours
            self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Take the end of the answer, or of what announces it."""
        if self._has_head:
            self._is_whole = True
        else:
            self.reason, self._is_measured = "", False

    def _hear(self) -> int:
        """Read some bytes and return how many; none is the end."""
        heard = self._connection.recv(CHUNK_BYTES)
        try:
            self._parser.feed_data(heard)
        except (HttpParserError, HttpParserUpgrade) as error:
            if not self._is_whole:
                raise BadAnswer(_NO_HTTP) from error
        return len(heard)
