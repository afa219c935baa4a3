"""A connection to a server: straight, or by the proxy that the person's environment names for it.

The variables are those that git and most programs read (`HTTPS_PROXY`, `NO_PROXY` and their like), and the
certificates those that this machine trusts, or `SSL_CERT_FILE`.
"""

import os
import socket
from base64 import b64encode
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from stratum.client.answer import Answer

CONNECT_TIMEOUT_S = 5.0
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Wire:
    """An open connection, and how a request goes over it.

    Attributes:
        host: as its header names it.
        before: what stands before the path of a request.
        headers: for the proxy.
    """

    connection: socket.socket
    host: str
    before: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def connected(url: str, read_timeout_s: float | None) -> Wire:
    """Connect to a server.

    Raises:
        OSError: it, or the proxy, cannot be reached.
        BadAnswer: the proxy's answer cannot be read.
        ValueError: an address is none.
    """
    wire = _wire(urlsplit(url))
    wire.connection.settimeout(read_timeout_s)
    return wire


def head(asks: str, headers: Mapping[str, str]) -> bytes:
    """Write the head of a request.

    Args:
        asks: method and what is asked for, with a space between.

    Raises:
        ValueError: what it would hold would be more than a line, or cannot be sent.
    """
    if asks.count(" ") != 1:
        message = f"{asks!r} is no method and one place"
        raise ValueError(message)
    lines = [f"{asks} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    for line in lines:
        if not (line.isascii() and line.isprintable()):
            message = f"the line {line.partition(' ')[0]} of a request would hold what HTTP does not allow"
            raise ValueError(message)
    return "\r\n".join((*lines, "", "")).encode()


def _wire(asked: SplitResult) -> Wire:
    proxy = _proxy(asked)
    with ExitStack() as undo:
        connection = undo.enter_context(_reached(proxy or asked))
        if asked.scheme == "https":
            if proxy:
                _lead(connection, f"{_host(asked)}:{_port(asked)}", _credentials(proxy))
            wire = Wire(_secured(connection, asked.hostname or ""), _named(asked))
        elif proxy:
            wire = Wire(connection, _named(asked), f"http://{_named(asked)}", _credentials(proxy))
        else:
            wire = Wire(connection, _named(asked))
        undo.pop_all()
    return wire


def _named(asked: SplitResult) -> str:
    """Name a place as the header Host does."""
    return _host(asked) if asked.port in {None, _PORTS.get(asked.scheme)} else f"{_host(asked)}:{asked.port}"


def _host(asked: SplitResult) -> str:
    host = asked.hostname or ""
    return f"[{host}]" if ":" in host else host.encode("idna").decode() if not host.isascii() else host


def _port(asked: SplitResult) -> int:
    return asked.port or _PORTS.get(asked.scheme, 80)


def _reached(asked: SplitResult) -> socket.socket:
    # As bytes, so that Python's codec of such names is not imported for one that needs none.
    host = asked.hostname or ""
    place = (host.encode() if host.isascii() else host, _port(asked))
    connection = socket.create_connection(place, timeout=CONNECT_TIMEOUT_S)  # type: ignore[arg-type]
    # Else what is asked waits until the server has acknowledged the end of TLS's handshake: 40 ms, or a way
    # there and back.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _secured(connection: socket.socket, host: str) -> socket.socket:
    import ssl  # a tenth of the time of a command that needs it not

    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])  # what we speak, to a server that else takes another for granted
    return context.wrap_socket(connection, server_hostname=host)


def _lead(connection: socket.socket, place: str, credentials: Mapping[str, str]) -> None:
    """Have a proxy lead to a server, of which it then reads nothing."""
    connection.sendall(head(f"CONNECT {place}", {"Host": place, **credentials}))
    answer = Answer(connection)
    if answer.status // 100 != 2:  # noqa: PLR2004 - any success (RFC 9110, 9.3.6)
        message = f"its proxy answered {answer.status} {answer.reason}".strip()
        raise OSError(message)


def _proxy(asked: SplitResult) -> SplitResult | None:
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None  # before the import, which takes as long as all the rest of this file
    from urllib.request import getproxies, proxy_bypass

    named = getproxies()
    found = named.get(asked.scheme) or named.get("all")
    if not found or proxy_bypass(asked.netloc):
        return None
    proxy = urlsplit(found if "://" in found else f"http://{found}")
    if proxy.scheme != "http":
        message = f"its proxy {proxy.scheme}://{proxy.hostname} is none that speaks HTTP"
        raise ValueError(message)
    return proxy


def _credentials(proxy: SplitResult) -> Mapping[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
