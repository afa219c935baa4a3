"""Caddy's admin API on its unix socket. One connection a request."""

import http.client
from pathlib import Path

from stratum.errors import RouterUnavailable
from stratum.unixhttp import UnixConnection

TIMEOUT_S = 10.0
_OK = 200


def load(admin_socket: Path, content: bytes) -> None:
    """Have Caddy take a configuration; it keeps the old one when it refuses.

    Raises:
        RouterUnavailable: it does not answer, or refuses.
    """
    status, body = _ask(admin_socket, "POST", "/load", content)
    if status != _OK:
        message = f"Caddy refused its new configuration: {body.decode('utf-8', 'replace').strip()}."
        raise RouterUnavailable(message)


def knows(admin_socket: Path, mark: str) -> bool:
    """Whether the configuration of a mark is the one that is loaded.

    Raises:
        RouterUnavailable: Caddy does not answer.
    """
    return _ask(admin_socket, "GET", f"/id/{mark}")[0] == _OK


def _ask(path: Path, method: str, target: str, content: bytes | None = None) -> tuple[int, bytes]:
    connection = UnixConnection(path, "127.0.0.1", TIMEOUT_S)
    try:
        # Caddy answers on a unix socket to whoever may open it, whatever the Host header says.
        connection.request(method, target, content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        message = f"Caddy does not answer on {path}: {error}."
        raise RouterUnavailable(message, "supervisord starts it again by itself.") from error
    finally:
        connection.close()
