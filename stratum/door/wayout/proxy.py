"""The proxy itself: a process for each step that asks, with no rights, two threads a connection.

It sees hosts and ports only, as what goes through is encrypted. What it is sent comes from a hostile
program, and is read by `request.read` alone.
"""

import os
import socket
import sys
import threading
from contextlib import suppress

from stratum.door.wayout import connecting, request
from stratum.door.wayout.connecting import Refused
from stratum.door.wayout.request import END, MAX_HEAD_BYTES, Request
from stratum.door.wayout.rules import Rules

HEAD_S = 30.0
MAX_CONNECTIONS = 256
_MAX_TOLD = 20
_CHUNK = 64 << 10
_STACK_BYTES = 256 << 10


class Proxy:
    """Answers the connections of one step until it is killed."""

    def __init__(self, listener: socket.socket, rules: Rules, log: int) -> None:
        """Take the listener, the rules, and the open file that the build's log is read from."""
        self._listener, self._rules, self._log = listener, rules, log
        self._told: set[str] = set()
        self._room = threading.BoundedSemaphore(MAX_CONNECTIONS)

    def serve(self) -> None:
        """Answer, each connection in a thread."""
        threading.stack_size(_STACK_BYTES)
        while True:
            self._room.acquire()
            client, _ = self._listener.accept()
            try:
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()
            except RuntimeError:  # no more threads: this one finds nobody, those that are there go on
                client.close()
                self._room.release()

    def _answer(self, client: socket.socket) -> None:
        try:
            with client, suppress(OSError):  # either side may go at any time
                client.settimeout(HEAD_S)
                self._go(client)
        finally:
            self._room.release()

    def _go(self, client: socket.socket) -> None:
        head, rest = _read_head(client)
        if not head:
            return
        try:
            asked = request.read(head)
            goes_on = self._goes_on(asked)
            server = connecting.to(asked.place, self._rules, tunnel=asked.method is None)
        except request.Malformed as error:
            _reply(client, "400 Bad Request", f"The way out of builds does not take this: {error}.")
            return
        except Refused as refused:
            self._tell(refused.sentence)
            _reply(client, refused.status, refused.sentence)
            return
        with server:
            self._begin(asked, client, server)
            _join(client, server, rest, None if goes_on else asked.length)

    def _goes_on(self, asked: Request) -> bool:
        """Whether all that comes after the head is for the same server.

        Another proxy reads the next request as one to itself, wherever that leads.
        """
        if asked.method is None or connecting.upstream_for(asked.place, self._rules) is None:
            return True
        if asked.length is None:
            message = "the server's own proxy takes no body without its Content-Length"
            raise request.Malformed(message)
        return False

    def _begin(self, asked: Request, client: socket.socket, server: socket.socket) -> None:
        if asked.method is None:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            return
        upstream = connecting.upstream_for(asked.place, self._rules)
        if upstream is None:
            server.sendall(asked.head())
        else:
            line, _, rest = asked.head(whole=True).partition(b"\r\n")
            server.sendall(line + b"\r\n" + upstream.authorization() + rest)

    def _tell(self, sentence: str) -> None:
        """Say in the build's log what was refused, each thing once."""
        if sentence not in self._told and len(self._told) < _MAX_TOLD:
            self._told.add(sentence)
            os.write(self._log, f"{sentence}\n".encode())


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    """Read up to the empty line; return it and what came after. Nothing when it does not come."""
    data = b""
    while END not in data:
        chunk = client.recv(_CHUNK)
        if not chunk or len(data) > MAX_HEAD_BYTES:
            return b"", b""
        data += chunk
    head, _, rest = data.partition(END)
    return head + END, rest


def _reply(client: socket.socket, status: str, sentence: str) -> None:
    body = f"{sentence}\n".encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    client.sendall(head.encode() + body)


def _join(client: socket.socket, server: socket.socket, begun: bytes, most: int | None) -> None:
    """Pass everything both ways until both have ended.

    Args:
        begun: what the client has sent already.
        most: how many bytes of the client's, these included, go to the server; None for all.
    """
    for one in (client, server):
        one.settimeout(None)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    up = threading.Thread(target=_pour, args=(client, server, begun, most), daemon=True)
    up.start()
    _pour(server, client)
    up.join()


def _pour(source: socket.socket, sink: socket.socket, begun: bytes = b"", most: int | None = None) -> None:
    left = sys.maxsize if most is None else most
    with suppress(OSError):
        sink.sendall(begun[:left])
        left = max(0, left - len(begun))
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk[:left])
            left = max(0, left - len(chunk))
    for one, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
        with suppress(OSError):
            one.shutdown(how)
