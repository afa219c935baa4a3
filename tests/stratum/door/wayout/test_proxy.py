"""The way out on real sockets: tunnels, whole addresses, refusals, and a proxy behind the proxy."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stratum.door.wayout.hosts import Place, read
from stratum.door.wayout.proxy import Proxy
from stratum.door.wayout.rules import Rules
from stratum.door.wayout.upstream import Upstream

BIG = os.urandom(1 << 20) * 3


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server for one connection; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    handle = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    yield handle, tmp_path / "log"
    os.close(handle)


@pytest.fixture
def way_out(log: tuple[int, Path]) -> Iterator[Callable[..., socket.socket]]:
    """Connects to a proxy of such rules."""
    listeners = []

    def connect(listed: str = "", upstream: Upstream | None = None) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        proxy = Proxy(listener, Rules(read(listed, {})[0], upstream), log[0])
        threading.Thread(target=_until_closed, args=(proxy,), daemon=True).start()
        client = socket.create_connection(listener.getsockname())
        client.settimeout(10)
        return client

    yield connect
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _until_closed(proxy: Proxy) -> None:
    try:
        proxy.serve()
    except OSError:
        return


def until_end(connection: socket.socket) -> bytes:
    chunks = []
    while chunk := connection.recv(1 << 16):
        chunks.append(chunk)
    return b"".join(chunks)


def echo(connection: socket.socket) -> None:
    """Send back all that comes once it has ended."""
    connection.sendall(until_end(connection))


def test_a_tunnel_carries_everything_both_ways_and_each_end_of_it(way_out: Callable[..., socket.socket]):
    with server(echo) as port, way_out(f"127.0.0.1:{port}") as client:
        client.sendall(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\nfirst" % port + BIG)
        client.shutdown(socket.SHUT_WR)
        said = until_end(client)

    assert said == b"HTTP/1.1 200 Connection established\r\n\r\nfirst" + BIG


def test_a_whole_address_is_asked_for_at_its_server(way_out: Callable[..., socket.socket]):
    with server(echo) as port, way_out(f"127.0.0.1:{port}") as client:
        client.sendall(b"POST http://127.0.0.1:%d/x HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody" % port)
        client.shutdown(socket.SHUT_WR)
        said = until_end(client)

    host = b"127.0.0.1:%d" % port
    assert (
        said
        == b"POST /x HTTP/1.1\r\nHost: " + host + b"\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
    )


@pytest.mark.parametrize(
    ("listed", "asked", "status", "reason"),
    [
        ("", b"CONNECT example.org:443", b"403", "builds reach package registries only"),
        ("*", b"CONNECT 127.0.0.1:443", b"403", "its address is one of the server or of a private network"),
        ("*", b"GET http://localhost/", b"403", "its address is one of the server or of a private network"),
        ("*", b"CONNECT 2130706433:443", b"403", "its address is one of the server or of a private network"),
        ("localhost:1", b"CONNECT localhost:1", b"502", "it cannot be reached"),
        ("", b"GET /", b"400", None),
    ],
)
def test_what_is_refused_is_said_to_the_program_and_in_the_log(way_out, log, listed, asked, status, reason):
    with way_out(listed) as client:
        client.sendall(asked + b" HTTP/1.1\r\n\r\n")
        said = until_end(client)

    assert said.startswith(b"HTTP/1.1 " + status)
    told = log[1].read_text()
    if reason is None:
        assert told == ""
    else:
        assert reason in told
        assert told.encode() == said.partition(b"\r\n\r\n")[2]


def test_each_refusal_is_told_once(way_out, log):
    with way_out() as client:
        address = client.getpeername()
    for _ in range(3):
        with socket.create_connection(address) as client:
            client.sendall(b"CONNECT example.org:443 HTTP/1.1\r\n\r\n")
            until_end(client)

    assert log[1].read_text().count("example.org:443") == 1


def test_a_client_that_says_nothing_more_is_answered_nothing(way_out: Callable[..., socket.socket]):
    with way_out() as client:
        client.sendall(b"CONNECT example")
        client.shutdown(socket.SHUT_WR)

        assert until_end(client) == b""


def test_a_head_without_end_is_given_up(way_out: Callable[..., socket.socket]):
    with way_out() as client:
        try:
            client.sendall(b"GET http://a/" + b"a" * (1 << 18))
            assert until_end(client) == b""
        except ConnectionError:
            return


def upstream_of(port: int) -> Upstream:
    return Upstream(Place("127.0.0.1", port), "Basic eA==")


def test_a_tunnel_goes_through_the_servers_own_proxy(way_out: Callable[..., socket.socket]):
    def tunnel(connection: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        connection.sendall(b"HTTP/1.0 200 OK\r\nVia: x\r\n\r\n" + head)
        echo(connection)

    with server(tunnel) as port, way_out(upstream=upstream_of(port)) as client:
        client.sendall(b"CONNECT pypi.org:443 HTTP/1.1\r\n\r\nbytes")
        client.shutdown(socket.SHUT_WR)
        said = until_end(client)

    assert said == (
        b"HTTP/1.1 200 Connection established\r\n\r\n"
        b"CONNECT pypi.org:443 HTTP/1.1\r\nHost: pypi.org:443\r\nProxy-Authorization: Basic eA==\r\n\r\nbytes"
    )


def test_a_whole_address_goes_there_whole(way_out: Callable[..., socket.socket]):
    with server(echo) as port, way_out(upstream=upstream_of(port)) as client:
        client.sendall(b"GET http://pypi.org/simple/ HTTP/1.1\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        said = until_end(client)

    assert said.startswith(
        b"GET http://pypi.org/simple/ HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\nHost: pypi.org\r\n"
    )


def test_one_request_goes_there_and_nothing_after_it(way_out: Callable[..., socket.socket]):
    with server(echo) as port, way_out(upstream=upstream_of(port)) as client:
        client.sendall(b"POST http://pypi.org/ HTTP/1.1\r\nContent-Length: 6\r\n\r\nbo")
        client.sendall(b"dy12GET http://10.0.0.1/ HTTP/1.1\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        said = until_end(client)

    assert said.endswith(b"\r\n\r\nbody12")


def test_what_tells_its_own_end_does_not_go_there(way_out: Callable[..., socket.socket]):
    with way_out(upstream=upstream_of(1)) as client:
        client.sendall(b"POST http://pypi.org/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")

        assert until_end(client).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("host", ["0x7f.1", "127.1", "localhost", "a.test.invalid", "10.0.0.1", "0x0a000001"])
def test_what_is_not_named_in_full_is_looked_up_before_that_proxy_is_asked(way_out, host: str):
    with way_out("*,.invalid", Upstream(Place("127.0.0.1", 1))) as client:
        client.sendall(f"CONNECT {host}:443 HTTP/1.1\r\n\r\n".encode())

        assert until_end(client).startswith(b"HTTP/1.1 403")


def test_what_is_named_in_full_is_left_to_that_proxy_to_look_up(way_out: Callable[..., socket.socket]):
    with server(echo) as port, way_out("a.test.invalid", upstream=upstream_of(port)) as client:
        client.sendall(b"GET http://a.test.invalid/ HTTP/1.1\r\n\r\n")
        client.shutdown(socket.SHUT_WR)

        assert until_end(client).startswith(b"GET http://a.test.invalid/ HTTP/1.1\r\n")


def test_what_that_proxy_refuses_is_told(way_out, log):
    def refuse(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    with server(refuse) as port, way_out(upstream=upstream_of(port)) as client:
        client.sendall(b"CONNECT pypi.org:443 HTTP/1.1\r\n\r\n")
        said = until_end(client)

    assert said.startswith(b"HTTP/1.1 502")
    assert "the server's own proxy said 'HTTP/1.1 407 Proxy Authentication Required'" in log[1].read_text()


def test_private_addresses_are_refused_before_that_proxy_is_asked(way_out, log):
    with way_out("*", Upstream(Place("127.0.0.1", 1))) as client:
        client.sendall(b"CONNECT 10.0.0.1:443 HTTP/1.1\r\n\r\n")

        assert until_end(client).startswith(b"HTTP/1.1 403")
