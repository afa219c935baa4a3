"""The proxy that the server itself has to go through, where its operator has named one."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from stratum.door.wayout.hosts import Place

VARIABLES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
_EXCEPT = ("no_proxy", "NO_PROXY")
_STANDARD_PORT = 80


@dataclass(frozen=True, slots=True)
class Upstream:
    """Another proxy.

    Attributes:
        credentials: value of Proxy-Authorization; empty for none.
        direct: hosts, and domains by a dot before, that are reached without it.
    """

    place: Place
    credentials: str = ""
    direct: tuple[str, ...] = ()

    def is_for(self, host: str) -> bool:
        """Whether a host is reached through it."""
        return not any(entry == "*" or f".{host}".endswith(f".{entry.lstrip('.')}") for entry in self.direct)

    def authorization(self) -> bytes:
        """Write the header line that signs in to it, or nothing."""
        return f"Proxy-Authorization: {self.credentials}\r\n".encode() if self.credentials else b""


def find(environ: Mapping[str, str]) -> Upstream | None:
    """Read the variables that curl and others read; only proxies that speak HTTP are known."""
    for name in VARIABLES:
        text = environ.get(name, "")
        try:
            url = urlsplit(text if "://" in text else f"http://{text}")
            port = url.port or _STANDARD_PORT
        except ValueError:
            continue
        if text and url.scheme == "http" and url.hostname:
            pair = f"{unquote(url.username or '')}:{unquote(url.password or '')}".encode()
            credentials = f"Basic {base64.b64encode(pair).decode()}" if url.username else ""
            return Upstream(Place(url.hostname, port), credentials, _direct(environ))
    return None


def _direct(environ: Mapping[str, str]) -> tuple[str, ...]:
    listed = ",".join(environ.get(one, "") for one in _EXCEPT).lower().split(",")
    return tuple(filter(None, map(str.strip, listed)))
