import socketserver
import threading
from collections.abc import Iterator

import pytest

from runner.router.farewell import farewell
from tests.served import free_port


class Old(socketserver.ThreadingTCPServer):
    """Answers once, keeps the connection, and closes it when it is told to end."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Keeping)
        self.ends = threading.Event()
        self.done: list[str] = []


class Keeping(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Old)
        while (line := self.rfile.readline().strip()) != b"":
            server.done += [line.decode()] if line.startswith(b"Host") else []
        self.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        server.ends.wait(60)
        server.done.append("ended")


@pytest.fixture
def old() -> Iterator[Old]:
    server = Old()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.ends.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_it_asks_for_nobodys_app_and_waits_for_the_server_to_close(old: Old) -> None:
    with farewell("127.0.0.1", old.server_address[1], "-.localhost"):
        assert old.done == ["Host: -.localhost"]
        old.ends.set()
    assert old.done == ["Host: -.localhost", "ended"]


def test_a_load_that_failed_is_not_waited_for(old: Old) -> None:
    with pytest.raises(OSError, match="refused"), farewell("127.0.0.1", old.server_address[1], "-.localhost"):
        raise OSError("refused")
    assert "ended" not in old.done


def test_where_nobody_answers_there_is_nobody_to_wait_for() -> None:
    with farewell("127.0.0.1", free_port(), "-.localhost"):
        pass
