"""Somebody who is told news by HTTP: a real server on loopback that keeps what it was sent."""

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.waiting import wait_until


@dataclass(frozen=True, slots=True)
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def key(self) -> str:
        return self.headers["webhook-id"]

    def is_signed_with(self, secret: str) -> bool:
        """Compute the signature anew, by the specification alone, and see that it is among those sent."""
        key = base64.b64decode(secret[len("whsec_") :])
        signed = b".".join([self.key.encode(), self.headers["webhook-timestamp"].encode(), self.body])
        wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        is_fresh = abs(int(self.headers["webhook-timestamp"]) - time.time()) < 300
        return is_fresh and f"v1,{wanted}" in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """The server.

    Attributes:
        answers: what the next requests get: a status, or what answers in its own way; then 204.
        pages: what is answered instead where nothing is left of these: path, maybe with its query → JSON.
    """

    server: ThreadingHTTPServer
    scheme: str = "http"
    got: list[Got] = field(default_factory=list)
    answers: list[int | Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    pages: dict[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.place}/told"

    def wait(self, count: int) -> list[Got]:
        """Wait for so many requests."""
        wait_until(lambda: len(self.got) >= count, 60)
        return self.got


@contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Listen for as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    made = Receiver(server, "https" if tls else "http")
    server.made = made  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _page(said: object) -> Callable[[BaseHTTPRequestHandler], None]:
    body = json.dumps(said).encode()

    def give(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return give


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        made: Receiver = self.server.made  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        page = made.pages.get(self.path, made.pages.get(self.path.partition("?")[0]))
        otherwise = 204 if page is None else _page(page)
        answer = made.answers.pop(0) if made.answers else otherwise
        headers = {name.lower(): text for name, text in self.headers.items()}
        made.got.append(Got(self.path, headers, body, self.command))
        if not isinstance(answer, int):
            answer(self)
            return
        self.send_response(answer)
        if answer in (301, 302, 307, 308):
            self.send_header("Location", f"http://{made.place}/elsewhere")
        if answer == 429:
            self.send_header("Retry-After", "7200")
        self.send_header("Content-Length", "0" if answer == 204 else "4")
        self.end_headers()
        self.wfile.write(b"" if answer == 204 else b"no\x1b\n")

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        pass
