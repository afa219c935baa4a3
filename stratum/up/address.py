"""The one public port: its form, whether it is free, whether it answers."""

import http.client
import socket
from http import HTTPStatus

from stratum.errors import Conflict, InvalidInput

MAX_PORT = 65535
TIMEOUT_S = 2.0


def split(listen: str) -> tuple[str, int]:
    """Split `host:port`.

    Raises:
        InvalidInput: it is none.
    """
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) <= MAX_PORT:
        message = f"{listen!r} is no address to listen on."
        raise InvalidInput(message, "Give host:port, for example 127.0.0.1:8080.")
    return host, int(port)


def check_free(listen: str) -> None:
    """See that the address can be listened on.

    Raises:
        Conflict: it cannot; the reason is the system's.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(split(listen))
        except OSError as error:
            message = f"{listen} cannot be listened on: {error.strerror}."
            raise Conflict(message, "Choose another with --listen HOST:PORT.") from error


def answers(listen: str) -> bool:
    """Whether the API answers through the router: 401, since this asks without a token."""
    host, port = split(listen)
    connection = http.client.HTTPConnection(reached_at(host), port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/api/whoami", headers={"Host": f"localhost:{port}"})
        response = connection.getresponse()
        response.read()  # the router would log an answer that nobody heard out
        return response.status == HTTPStatus.UNAUTHORIZED
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def shown(listen: str) -> str:
    """Return the address as a person on this host would type it."""
    host, port = split(listen)
    return f"localhost:{port}" if host in {"127.0.0.1", "0.0.0.0"} else listen


def reached_at(host: str) -> str:
    """Return where this host reaches what listens on an address."""
    return "127.0.0.1" if host == "0.0.0.0" else host
