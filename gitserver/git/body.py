"""The body of a git request: plain or gzip, of known length or chunked, never whole in memory."""

import zlib
from collections.abc import Iterator
from typing import Protocol

from gunicorn.http.errors import ParseException

from gitserver.git.pace import LEAST_RATE, TooSlow
from stratum.errors import InvalidInput

GZIP = ("gzip", "x-gzip")
CHUNK = 65536
_GZIP = 16 + zlib.MAX_WBITS  # zlib.decompressobj: expect a gzip header


class BadBody(InvalidInput):
    """The body cannot be read as what its headers say it is."""

    slug = "bad-body"


class BodyTooSlow(BadBody):
    """The body does not come in the time that it may take."""

    slug = "body-too-slow"

    def __init__(self) -> None:
        message = f"The request came too slowly, below {LEAST_RATE} bytes a second, or for too long."
        super().__init__(message)


class BodyTooLarge(InvalidInput):
    """The body holds more than may be sent here."""

    slug = "body-too-large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The request is too large: {limit} bytes are allowed.")
        self.limit = limit


class Source(Protocol):
    """What WSGI calls `wsgi.input`."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes; nothing at the end."""


class Body:
    """Reads a request's body once, from its beginning to its end.

    Args:
        encoding: of the Content-Encoding header; git compresses negotiations with gzip.
        limit: bytes allowed after inflation, so that a bomb stops early.
    """

    def __init__(self, source: Source, encoding: str, limit: int) -> None:
        self._chunks = self._limited(_inflated(source, encoding) if encoding else _plain(source), limit)
        self._ahead, self._at = b"", 0  # where in it reading goes on: a cut at each packet would copy it all

    def exactly(self, count: int) -> bytes:
        """Return the next bytes; fewer only when the body ends before."""
        while len(self._ahead) - self._at < count:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self._ahead, self._at = self._ahead[self._at :] + chunk, 0
        taken = self._ahead[self._at : self._at + count]
        self._at += len(taken)
        return taken

    def rest(self) -> Iterator[bytes]:
        """Give what has not been read, in pieces."""
        ahead, self._ahead, self._at = self._ahead[self._at :], b"", 0
        if ahead:
            yield ahead
        yield from self._chunks

    @staticmethod
    def _limited(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
        total = 0
        for chunk in chunks:
            total += len(chunk)
            if total > limit:
                raise BodyTooLarge(limit)
            yield chunk


def _plain(source: Source) -> Iterator[bytes]:
    while chunk := _read(source):
        yield chunk


def _read(source: Source) -> bytes:
    """Read on; gunicorn 27 raises OSError for a client that is gone, ParseException for broken chunks."""
    try:
        return source.read(CHUNK)
    except TooSlow as error:
        raise BodyTooSlow from error
    except (OSError, ParseException) as error:
        message = "The request's body ends too early, or its chunks are broken."
        raise BadBody(message) from error


def _inflated(source: Source, encoding: str) -> Iterator[bytes]:
    if encoding not in GZIP:
        message = f"Content-Encoding {encoding!r} is not understood: gzip is, or none."
        raise BadBody(message)
    inflater = zlib.decompressobj(_GZIP)
    for packed in _plain(source):
        left = packed
        while left and not inflater.eof:
            if inflated := _inflate(inflater, left):  # nothing would be taken for the end
                yield inflated
            left = inflater.unconsumed_tail
    if not inflater.eof:
        message = "The gzip body ends too early."
        raise BadBody(message)


def _inflate(inflater: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return inflater.decompress(data, CHUNK)
    except zlib.error as error:
        message = f"The gzip body is damaged: {error}."
        raise BadBody(message) from error
