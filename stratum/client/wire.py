"""A connection to a server: straight, or by the proxy that the person's environment names for it.

The variables are those that git and most programs read (`HTTPS_PROXY`, `NO_PROXY` and their like), and the
certificates those that this machine trusts, or `SSL_CERT_FILE`.
"""

import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlsplit

CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Wire:
    """An open connection, and how a request goes over it.

    Attributes:
        before: what stands before the path of a request.
        headers: for the proxy.
    """

    connection: HTTPConnection
    before: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def connected(url: str, read_timeout_s: float | None) -> Wire:
    """Connect to a server.

    Raises:
        OSError: it, or the proxy, cannot be reached.
        ValueError: an address is none.
    """
    wire = _wire(urlsplit(url))
    try:
        wire.connection.connect()
    except BaseException:
        wire.connection.close()
        raise
    wire.connection.sock.settimeout(read_timeout_s)
    return wire


def _wire(asked: SplitResult) -> Wire:
    kind = HTTPSConnection if asked.scheme == "https" else HTTPConnection
    proxy = _proxy(asked)
    if proxy is None:
        return Wire(kind(asked.hostname or "", asked.port, timeout=CONNECT_TIMEOUT_S))
    connection = kind(proxy.hostname or "", proxy.port or 80, timeout=CONNECT_TIMEOUT_S)
    if kind is HTTPConnection:
        return Wire(connection, f"http://{asked.netloc}", _credentials(proxy))
    connection.set_tunnel(asked.hostname or "", asked.port, dict(_credentials(proxy)))
    return Wire(connection)


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
