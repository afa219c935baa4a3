"""One request to a process on loopback, with an end in time whatever is answered."""

import http.client
import io
import socket
import time
from typing import Any

from stratum.model import Check

MAX_CONTENT_BYTES = 1 << 20  # that are looked through for a text
_OK = range(200, 300)


def ask(check: Check, port: int, host: str) -> str:
    """Ask for the path of a check; return what is wrong with the answer, empty for nothing.

    Args:
        host: what the app is called, which its framework may insist on.
    """
    limit_s = check.timeout_s
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=limit_s) as plain:
            return _judge(check, _exchange(check, _Link(plain, time.monotonic() + limit_s), host))
    except TimeoutError:
        return f"no whole answer within {limit_s} s"
    except http.client.RemoteDisconnected:
        return "it closed the connection without an answer"
    except OSError as error:
        return f"no connection: {(error.strerror or type(error).__name__).lower()}"
    except (http.client.HTTPException, ValueError):
        return "what it answers is no HTTP"


class _Link:
    """A socket as http.client wants it, each read of which ends at one moment."""

    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._plain, self.deadline = plain, deadline

    def sendall(self, data: bytes) -> None:
        self._plain.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._plain, self.deadline))

    def close(self) -> None:
        """Leave it to who has opened it."""


class _Reader(io.RawIOBase):
    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._plain, self._deadline = plain, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._plain.settimeout(left_s)
        return self._plain.recv_into(buffer)


def _exchange(check: Check, link: _Link, host: str) -> tuple[int, bytes]:
    """Return status and content, as much of it as is looked at."""
    connection = http.client.HTTPConnection("127.0.0.1")
    connection.sock = link  # of a socket this is what is used
    given = {name.lower() for name, _ in check.headers}
    usual = (("Host", host), ("User-Agent", "Stratum"), ("Accept", "*/*"), ("Connection", "close"))
    connection.putrequest("GET", check.path, skip_host=True, skip_accept_encoding=True)
    for name, value in (*(pair for pair in usual if pair[0].lower() not in given), *check.headers):
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    content = answer.read(MAX_CONTENT_BYTES) if check.content and answer.status in _OK else b""
    return answer.status, content


def _judge(check: Check, answer: tuple[int, bytes]) -> str:
    status, content = answer
    if status not in _OK:
        return f"it answered {status}"
    if check.content.encode() not in content:
        return f"it answered {status} without the text that is looked for"
    return ""
