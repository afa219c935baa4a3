"""What the client makes of servers that answer badly."""

import http.server
import socket
import threading
from contextlib import contextmanager, nullcontext, suppress

import pytest

from stratum.client import Server
from stratum.client.http import Connection
from stratum.errors import Refused, ServerUnavailable
from tests.served import free_port
from tests.webside import WebSide


@contextmanager
def answering(status, body):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) + (1 if status == 200 else 0)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def ask():
    return lambda url: Server.at(url, "token").whoami()


def test_a_refusal_keeps_what_the_server_said(ask):
    body = b'{"error": "conflict", "message": "No.", "hint": "Wait."}'
    with answering(409, body) as url, pytest.raises(Refused) as caught:
        ask(url)

    assert (caught.value.status, caught.value.slug, str(caught.value)) == (409, "conflict", "No. Wait.")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}"])
def test_a_proxy_without_its_server_is_a_server_that_is_away(ask, body):
    with answering(502, body) as url, pytest.raises(ServerUnavailable) as caught:
        ask(url)

    assert caught.value.message == f"No Stratum answers at {url}: it answered 502 Bad Gateway."


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"", b"[", b"\xff"])
def test_something_else_that_answers_is_no_stratum(ask, body):
    with answering(203, body) as url, pytest.raises(ServerUnavailable) as caught:
        ask(url)

    assert caught.value.message == f"No Stratum answers at {url}: what it answered is no JSON."


def test_an_answer_that_breaks_off_is_a_server_that_is_away(ask):
    with answering(200, b"{}") as url, pytest.raises(ServerUnavailable):
        ask(url)


@pytest.mark.parametrize(("method", "asked"), [("GET", 2), ("POST", 1)])
def test_a_connection_closed_without_an_answer_is_tried_again_by_what_only_reads(method, asked):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        requests = []

        def serve():
            for number in range(asked):
                connection = listener.accept()[0]
                requests.append(connection.recv(65536).split(b" ")[0].decode())
                if number:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        with suppress(ServerUnavailable) if method == "POST" else nullcontext():
            assert Connection(f"http://127.0.0.1:{port}", "token").send(method, "/x") == {}
        thread.join(60)

    assert requests == [method] * asked


def test_an_address_that_cannot_be_is_away(ask):
    with pytest.raises(ServerUnavailable):
        ask("http://nowhere.invalid")
    with pytest.raises(ServerUnavailable):
        ask("http://h:x")


def test_who_waits_for_a_rollout_is_told_while_it_has_not_begun(tmp_path, monkeypatch):
    monkeypatch.setattr("stratum.client.app.WAIT_S", 0)
    side = WebSide.make(tmp_path / "data")
    app = side.app()
    side.release(app)
    told = []

    def settle_after_two(rollout):
        told.append(rollout["status"])
        if len(told) == 2:
            side.settle(app)

    with side.served(applies=False) as url:
        remote = Server.at(url, side.admin).app("MyProdEnv", "app02")
        change = remote.scale({"worker": 2})
        found = remote.rollout(change["rollout"], unfinished=settle_after_two)
    side.close()

    assert (told, found["status"]) == (["queued"] * 2, "succeeded")


def test_a_wait_outlasts_a_restart_of_the_server(tmp_path):
    """Its connection dies at once; then the server is back on the same port."""
    side = WebSide.make(tmp_path / "data")
    app = side.app()
    side.release(app)
    port = free_port()
    going = socket.create_server(("127.0.0.1", port))
    found = []
    remote = Server.at(f"http://127.0.0.1:{port}", side.admin).app("MyProdEnv", "app02")
    waiting = threading.Thread(target=lambda: found.append(remote.rollout(1)))
    waiting.start()
    going.settimeout(20)
    going.accept()[0].close()
    going.close()
    with side.served(port):
        waiting.join(60)
    side.close()

    assert [rollout["status"] for rollout in found] == ["succeeded"]
