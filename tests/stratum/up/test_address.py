import socket
import threading
from collections.abc import Callable

import pytest

from stratum.up import address

BODY = b"x" * (1 << 22)  # more than the buffers of a connection hold


@pytest.mark.parametrize(("status", "is_up"), [("401 Unauthorized", True), ("502 Bad Gateway", False)])
def test_an_answer_is_heard_out(status: str, is_up: bool):
    """Who leaves before its end has the router log a warning at each start."""
    sent = threading.Event()
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, args=(server, head + BODY, sent.set), daemon=True).start()

        assert address.answers(f"127.0.0.1:{server.getsockname()[1]}") is is_up
        assert sent.wait(30)


def answer(server: socket.socket, data: bytes, when_sent: Callable[[], None]) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1 << 16)
        connection.sendall(data)
        when_sent()
