"""The head of a request to the way out: CONNECT, or a whole address after any other method. Pure."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from stratum.door.wayout.hosts import Place

MAX_HEAD_BYTES = 64 << 10
HTTP_PORT = 80
END = b"\r\n\r\n"
_LINE = re.compile(rb"([A-Z]{1,20}) ([\x21-\x7e]{1,16384}) HTTP/1\.[01]")
_HEADER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*")
_NUMBER = re.compile(rb"[0-9]{1,18}")
# Of one connection only (RFC 9110, 7.6.1); Host is written anew.
_LEFT_OUT = (b"connection:", b"proxy-connection:", b"proxy-authorization:", b"keep-alive:", b"host:")


class Malformed(Exception):
    """What was asked is no request that a proxy answers."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a step asks for.

    Attributes:
        place: where to; it has a port.
        method: None for a tunnel.
        target: the whole address, empty for a tunnel.
        headers: those to be passed on.
        length: of its body, in bytes; None where the body itself tells its end.
    """

    place: Place
    method: bytes | None = None
    target: bytes = b""
    headers: tuple[bytes, ...] = ()
    length: int | None = 0

    def head(self, *, whole: bool = False) -> bytes:
        """Write the request for the server itself; `whole` for another proxy."""
        path = self.target if whole else _path(self.target)
        host = _authority(self.target)
        lines = (
            b"%s %s HTTP/1.1" % (self.method or b"", path),
            b"Host: " + host,
            *self.headers,
            b"Connection: close",
        )
        return b"\r\n".join(lines) + END


def read(head: bytes) -> Request:
    """Read a head, up to and with its empty line.

    Raises:
        Malformed: it is none.
    """
    line, *headers = head.removesuffix(END).split(b"\r\n")
    found = _LINE.fullmatch(line)
    if found is None or not all(_HEADER.fullmatch(header) for header in headers):
        message = "it is no request of HTTP/1.1 to a proxy"
        raise Malformed(message)
    method, target = found[1], found[2]
    if method == b"CONNECT":
        return Request(_tunnel(target))
    passed = tuple(header for header in headers if not header.lower().startswith(_LEFT_OUT))
    return Request(_whole(target), method, target, passed, _length(passed))


def _tunnel(target: bytes) -> Place:
    place = Place.read(target.decode())
    if place is None or place.port is None:
        message = "CONNECT takes host:port"
        raise Malformed(message)
    return place


def _whole(target: bytes) -> Place:
    try:
        url = urlsplit(target.decode())
    except ValueError as error:
        raise Malformed(str(error)) from error
    written = Place.read(_authority(target).decode())
    if written is None or url.scheme != "http":
        message = "a proxy is asked for http://host/path"
        raise Malformed(message)
    return Place(written.host, written.port or HTTP_PORT)


def _length(headers: tuple[bytes, ...]) -> int | None:
    """Tell how long a body is (RFC 9112, 6.3); what two servers could read in two ways is malformed."""
    named = [header.partition(b":") for header in headers]
    values = [value.strip(b" \t") for name, _, value in named if name.lower() == b"content-length"]
    is_coded = any(name.lower() == b"transfer-encoding" for name, _, _ in named)
    if len(values) + is_coded > 1 or not all(_NUMBER.fullmatch(value) for value in values):
        message = "the length of its body is told in several ways, or is no number"
        raise Malformed(message)
    return None if is_coded else int(values[0]) if values else 0


def _authority(target: bytes) -> bytes:
    rest = target.partition(b"://")[2]
    return re.split(rb"[/?#]", rest, maxsplit=1)[0]


def _path(target: bytes) -> bytes:
    rest = target.partition(b"://")[2][len(_authority(target)) :]
    return rest.partition(b"#")[0] if rest.startswith(b"/") else b"/" + rest.partition(b"#")[0]
