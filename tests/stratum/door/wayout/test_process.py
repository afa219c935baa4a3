import os
import socket
from contextlib import suppress

from stratum.door.wayout.hosts import Hosts, Place
from stratum.door.wayout.process import WayOut
from stratum.door.wayout.rules import Rules

HEAD = b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n"


def test_what_is_sent_to_a_client_that_has_gone_ends_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as listener:
        place = Place("127.0.0.1", server.getsockname()[1])
        way_out = _open(listener, place)
        try:
            with socket.create_connection(listener.getsockname(), 10) as client:
                client.sendall(HEAD % place.port)
                assert client.recv(100).startswith(b"HTTP/1.1 200")
            talk(server)

            with socket.create_connection(listener.getsockname(), 10) as client:
                client.sendall(HEAD % 1)
                assert client.recv(100).startswith(b"HTTP/1.1 403")
        finally:
            way_out.close()


def _open(listener: socket.socket, place: Place) -> WayOut:
    rules = Rules(Hosts(frozenset({place}), frozenset({place})))
    way_out = WayOut(listener, rules, os.open(os.devnull, os.O_WRONLY), None)
    way_out.open()
    return way_out


def talk(server: socket.socket) -> None:
    """Send until nobody listens."""
    with suppress(OSError), server.accept()[0] as connection:
        while True:
            connection.sendall(bytes(1 << 16))
