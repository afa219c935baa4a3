"""Sending by HTTP: one request, no redirects, and a limit to what the other side may take of us."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from socket import socket
from urllib.parse import SplitResult

from hooks.outgoing.reach import Allowed, Unreachable, connect, deadline
from stratum.buildlog import harmless

CONNECT_S = 10.0
LIMIT_S = 20.0  # from then on until the answer is read; Standard Webhooks 1.0.0 recommends 15 to 30
MAX_ANSWER_BYTES = 1000
_PORTS = {"http": 80, "https": 443}
_TOO_SLOW = f"no whole answer within {LIMIT_S:.0f} s"
_REDIRECTS = range(300, 400)
_GOOD = range(200, 300)


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent.

    Attributes:
        most_bytes: of an answer; it is not read beyond.
    """

    method: str
    url: SplitResult
    headers: Mapping[str, str]
    body: bytes = b""
    most_bytes: int = MAX_ANSWER_BYTES


@dataclass(frozen=True, slots=True)
class Answer:
    """How sending went.

    Attributes:
        status: what was answered; None where nothing was.
        error: why it does not count as told; empty: it does.
        text: the beginning of what was answered, fit to be shown.
        again_after_s: how long we were asked to wait, if at all.
        is_final: trying again would be of no use.
        body: what was answered, as far as it was read.
    """

    status: int | None
    error: str
    text: str = ""
    again_after_s: float | None = None
    is_final: bool = False
    body: bytes = b""


def post(url: SplitResult, headers: Mapping[str, str], body: bytes, allowed: Allowed) -> Answer:
    """Send a body to an address; never raises for what the other side does."""
    return ask(Request("POST", url, headers, body), allowed)


def ask(request: Request, allowed: Allowed) -> Answer:
    """Send a request; never raises for what the other side does."""
    url = request.url
    host, port = url.hostname or "", url.port or _PORTS[url.scheme]
    try:
        server = connect(host, port, allowed, CONNECT_S)
    except Unreachable as error:
        return Answer(None, str(error))
    with server, deadline(server, LIMIT_S) as is_over:
        server.settimeout(LIMIT_S)
        try:
            found = _asked(_Connection(server, url), request)
        except (OSError, HTTPException, ValueError) as error:
            found = Answer(None, _reason(error))
        return Answer(None, _TOO_SLOW) if is_over.is_set() else found


class _Connection(HTTPConnection):
    """Speaks over a connection that is open already, with TLS where the address says so."""

    def __init__(self, server: socket, url: SplitResult) -> None:
        super().__init__(url.netloc)
        self._server, self._url = server, url

    def connect(self) -> None:
        self.sock = self._server
        if self._url.scheme == "https":
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self._server, server_hostname=self._url.hostname)


def _asked(connection: _Connection, request: Request) -> Answer:
    url = request.url
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    body = request.body if request.method == "POST" else None
    try:
        connection.request(request.method, path, body, {**request.headers, "Connection": "close"})
        response = connection.getresponse()
        said = response.read(request.most_bytes)
    finally:
        connection.close()
    text = harmless(said[:MAX_ANSWER_BYTES]).decode("utf-8", "replace")
    return Answer(response.status, _error(response), text, _asked_to_wait(response), body=said)


def _error(response: HTTPResponse) -> str:
    if response.status in _GOOD:
        return ""
    if response.status in _REDIRECTS:
        return f"answered {response.status}: redirects are not followed"
    return f"answered {response.status}"


def _asked_to_wait(response: HTTPResponse) -> float | None:
    """Read `Retry-After`, where it is a number (RFC 9110, 10.2.3)."""
    text = response.getheader("Retry-After", "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < len("100000000") else None


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return _TOO_SLOW
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    said = harmless(str(error).encode("utf-8", "replace")).decode("utf-8", "replace")[:200]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
