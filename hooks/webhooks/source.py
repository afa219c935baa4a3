"""Where an app's source is fetched from: what a person gave, checked, and what git is told. Pure.

A URL of the web, of a host by name or address; never one that a delivery has named.
"""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from stratum.door.wayout.hosts import Place
from stratum.errors import InvalidInput
from stratum.excerpt import quoted

MAX_URL = 2000  # characters
PORTS = {"https": 443, "http": 80}
_PATH = re.compile(r"(/[A-Za-z0-9._~%+@-]+)+/?")


@dataclass(frozen=True, slots=True)
class Source:
    """A repository elsewhere.

    Attributes:
        host: a name in small letters, or an address, IPv6 without brackets.
        path: with the slash that it begins with.
    """

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def read(cls, text: str) -> "Source":
        """Read a URL.

        Raises:
            InvalidInput: git is not to be told of it.
        """
        url = _split(text)
        if url is None or url.scheme not in PORTS:
            raise _refused(text, "it is no URL that begins with https://")
        if url.username is not None or url.password is not None:
            raise _refused("", "it holds a user or a password", "Give a token by --token-file instead.")
        place = Place.read(url.netloc)
        if place is None or not _PATH.fullmatch(url.path) or ".." in url.path or url.query or url.fragment:
            raise _refused(text, "it is not of the form https://HOST/PATH")
        return cls(url.scheme, place.host, place.port or PORTS[url.scheme], url.path)

    @property
    def url(self) -> str:
        """What git is told."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def allowed_hosts(listed: str) -> frozenset[Place]:
    """Read STRATUM_FETCH_HOSTS: hosts, with commas between, each with a port or for all of its ports.

    Raises:
        InvalidInput: one is none.
    """
    entries = [entry.strip() for entry in listed.split(",") if entry.strip()]
    places = {entry: Place.read(entry) for entry in entries}
    for entry, place in places.items():
        if place is None:
            message = f"STRATUM_FETCH_HOSTS names {quoted(entry)}, which is no host."
            raise InvalidInput(message, "Give hosts with commas between, as git.example.com:8443.")
    return frozenset(place for place in places.values() if place is not None)


def is_allowed(allowed: frozenset[Place], source: Source) -> bool:
    """Whether the operator has named a host himself: so it may be private, and asked without TLS."""
    return bool({Place(source.host, source.port), Place(source.host, None)} & allowed)


def checked_source(text: str, allowed: frozenset[Place]) -> Source:
    """Read a URL that an app's source may be fetched from.

    Raises:
        InvalidInput: it may not.
    """
    source = Source.read(text)
    if source.scheme == "http" and not is_allowed(allowed, source):
        reason = "what comes by http could be anybody's"
        hint = "Give an https URL; or the operator names the host in STRATUM_FETCH_HOSTS."
        raise _refused(text, reason, hint)
    return source


def _split(text: str) -> SplitResult | None:
    if len(text) > MAX_URL or not text.isprintable() or text.startswith("-"):
        return None
    try:
        return urlsplit(text)
    except ValueError:
        return None


def _refused(
    text: str, reason: str, hint: str = "Give the URL by which it is cloned over https."
) -> InvalidInput:
    shown = f"{quoted(text)} cannot be fetched from" if text else "That URL cannot be fetched from"
    return InvalidInput(f"{shown}: {reason}.", hint)
