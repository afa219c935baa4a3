"""Waiting until the servers of Caddy's former configuration take no connection any more.

Caddy answers a load when the new servers listen, and leaves it to goroutines to end the old ones. Until one
has begun, its old server takes new connections as well, and closes them without an answer when it ends
(golang/go#65805). An idle connection of ours is closed when it does not listen any more (net/http, Shutdown).
"""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager, suppress

TIMEOUT_S = 5.0


@contextmanager
def farewell(host: str, port: int, unknown_name: str) -> Iterator[None]:
    """Wait at the end for the server that answers now to end; for seconds at most, as no load is undone.

    Args:
        unknown_name: whom to ask for; of no app, so that Caddy answers by itself.
    """
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/", headers={"Host": unknown_name})
            connection.getresponse().read()
        yield
        if connection.sock:  # else nobody answered, or said goodbye at once
            with suppress(OSError):
                connection.sock.recv(1)
    finally:
        connection.close()
