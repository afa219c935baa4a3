"""Following logs over connections that break."""

import http.server
import threading
from contextlib import contextmanager

import pytest

from stratum.client import following
from stratum.client.http import Connection
from stratum.errors import ServerUnavailable
from tests.served import free_port


@contextmanager
def telling(*answers):
    """Serve each answer once, in turn; one without an end breaks off."""
    asked, left = [], list(answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers.get("Last-Event-ID"))
            body = left.pop(0)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) + (0 if body.endswith(b"end") else 1)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def test_a_broken_connection_is_made_again_and_each_line_comes_once(monkeypatch):
    """What came without its cursor comes again, and is held back until then."""
    monkeypatch.setattr(following, "RETRY_S", 0.01)
    first = b'data: {"line": 1}\n\nid: one\n\ndata: {"line": 2}\n\ndata: {"li'
    second = b'data: {"line": 2}\n\nid: two\n\n: end'
    with telling(first, second) as (url, asked):
        connection = Connection(url, "token")
        found = list(following.follow(connection, "/logs", {}))

    assert found == [{"line": 1}, {"line": 2}]
    assert asked == [None, "one"]


def test_a_server_that_was_never_there_is_not_waited_for():
    connection = Connection(f"http://127.0.0.1:{free_port()}", "token")

    with pytest.raises(ServerUnavailable):
        list(following.follow(connection, "/logs", {}))
