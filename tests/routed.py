"""Web processes of apps, played by the test, and connections to them through a stage's real router."""

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from stratum.model import App
from stratum.store import domains, formation
from tests.stage import RUN_WEB, Stage
from tests.waiting import wait_until


class Handler(socketserver.StreamRequestHandler):
    """A process: `/ws` echoes lines once upgraded, `/events` says more when told to, `/hang` nothing."""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Process)
        asked = self.rfile.readline().decode()
        headers = {}
        while (line := self.rfile.readline().decode().strip()) != "":
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        length = int(headers.get("content-length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            server.left.set()
            return
        if asked.startswith("GET /ws"):
            server.streams.append(self.client_address)
            self.wfile.write(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            )
            while line := self.rfile.readline().decode():
                self.wfile.write(line.encode())
        elif asked.startswith("GET /events"):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n")
            server.more.wait(60)
            self.wfile.write(b"data: two\n\n")
        elif asked.startswith("GET /hang"):
            self.rfile.read(1)
        else:
            text = json.dumps([server.name, len(body)])
            self.wfile.write(
                f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()
            )


class Process(socketserver.ThreadingTCPServer):
    """A web process of an app."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name, self.more, self.left = name, threading.Event(), threading.Event()
        self.streams: list[object] = []


@contextmanager
def process(stage: Stage, app: App, name: str) -> Iterator[Process]:
    """Serve as a process of an app."""
    server = Process(name)
    with stage.parts.database.write() as tx:
        formation.give_port(tx, app.id, name, server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        with stage.parts.database.write() as tx:  # the kernel may give it to the next one
            formation.free_ports(tx, app.id, [name])
        server.shutdown()
        server.server_close()
        thread.join()


def opened(stage: Stage, app: App, asked: str, *headers: str) -> socket.socket:
    """Send the beginning of a request."""
    connection = socket.create_connection(("127.0.0.1", stage.instance.port), timeout=60)
    connection.sendall("\r\n".join([asked, f"Host: {app.host('localhost')}", *headers, "", ""]).encode())
    return connection


def received(connection: socket.socket, until: bytes) -> bytes:
    """Read until something has come, or the end."""
    got = b""
    while until not in got and (part := connection.recv(4096)):
        got += part
    return got


def upgraded(stage: Stage, app: App) -> socket.socket:
    connection = opened(stage, app, "GET /ws HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket")
    assert received(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
    return connection


@contextmanager
def visited(stage: Stage, app: App) -> Iterator[list[tuple[int, str]]]:
    """Ask an app all the time, on new connections; what it answers."""
    answers: list[tuple[int, str]] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            answers.append(stage.get_once(app))

    asking = threading.Thread(target=ask)
    asking.start()
    wait_until(lambda: len(answers) > 3)
    try:
        yield answers
    finally:
        over.set()
        asking.join()


def deployed_at(stage: Stage, domain: str) -> App:
    """Deploy an app with a web process, and a domain of its own."""
    app = stage.app("shop")
    with stage.parts.database.write() as tx:
        domains.add_domain(tx, app.id, domain)
    stage.deploy(app, {"web": RUN_WEB}, web=1)
    return app
