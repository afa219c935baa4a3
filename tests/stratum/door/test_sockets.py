"""Who listens where the router reaches them, as the kernel and its tables tell."""

import os
import socket

import pytest

from stratum.door import sockets


@pytest.mark.parametrize(
    ("host", "is_reached"),
    [
        ("127.0.0.1", True),
        ("0.0.0.0", True),
        ("::", True),
        ("::ffff:127.0.0.1", True),
        ("::1", False),
        ("127.0.0.2", False),
    ],
)
def test_what_listens_where_127_0_0_1_leads_is_found(host: str, is_reached: bool) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as server:
        if family == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind((host, 0))
        server.listen()
        port = server.getsockname()[1]
        expected = {str(os.fstat(server.fileno()).st_ino)} if is_reached else set()

        assert sockets.listening(port) == expected
        assert set(sockets.listening_by_table(port)) == expected
        assert sockets.listens(os.getpid(), port) is is_reached


def test_what_listens_for_ipv6_alone_is_not_found() -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6) as server:  # which sets IPV6_V6ONLY
        assert sockets.listening(server.getsockname()[1]) == set()
