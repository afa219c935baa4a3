"""Which hosts a build may reach, by name and port. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

WEB_PORTS = frozenset({80, 443})
REGISTRIES = (
    *("pypi.org", "files.pythonhosted.org"),
    *("registry.npmjs.org", "registry.yarnpkg.com", "repo.yarnpkg.com", "nodejs.org"),
    *("rubygems.org", "index.rubygems.org", "proxy.golang.org", "sum.golang.org"),
    *("github.com", "codeload.github.com", "raw.githubusercontent.com"),
    *("objects.githubusercontent.com", "release-assets.githubusercontent.com"),
    *("gitlab.com", "bitbucket.org"),
)
# Variables of the operator's in which installers look for indexes: URLs, with blanks between.
INDEXES = (
    *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"),
    *("NPM_CONFIG_REGISTRY", "npm_config_registry", "YARN_NPM_REGISTRY_SERVER"),
)
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_ADDRESS = re.compile(r"[0-9a-f:.]+")
_MAX_HOST = 253
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Place:
    """A host and a port as somebody has written them.

    Attributes:
        host: in small letters, without the dot that may end a name, an IPv6 address without brackets.
        port: None where none was written.
    """

    host: str
    port: int | None

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Read `host`, `host:port`, or either with an address; None when it is none of these."""
        if text.startswith("["):
            host, closed, rest = text[1:].partition("]")
            if not closed or not _ADDRESS.fullmatch(host.lower()) or (rest and not rest.startswith(":")):
                return None
            port = rest[1:]
            has_port = bool(rest)
        else:
            host, colon, port = text.partition(":")
            has_port = bool(colon)
        number = _port(port) if has_port else None
        host = host.lower().removesuffix(".")
        is_address = text.startswith("[")
        if (has_port and number is None) or not (is_address or _is_name(host)):
            return None
        return cls(host, number)


@dataclass(frozen=True, slots=True)
class Hosts:
    """What may be reached.

    Attributes:
        places: hosts; without a port those of the web are meant.
        named: those of them that the operator has named himself, wherever they are.
        domains: names below these, each beginning with a dot.
        is_open: whether any public address may.
    """

    places: frozenset[Place]
    named: frozenset[Place] = frozenset()
    domains: frozenset[Place] = frozenset()
    is_open: bool = False

    def allow(self, host: str, port: int) -> bool:
        """Whether a host may be reached at a port."""
        if self.is_open and port in WEB_PORTS:
            return True
        return _is_in(self.places, host, port) or any(
            _is_in(self.domains, host[at:], port) for at, letter in enumerate(host) if letter == "."
        )

    def names(self, host: str, port: int) -> bool:
        """Whether it is listed in full, and not only meant by a domain or by `*`."""
        return _is_in(self.places, host, port)

    def allow_private(self, host: str, port: int) -> bool:
        """Whether it may be reached also where its address is one of this machine or of a private network."""
        return _is_in(self.named, host, port)


def read(listed: str, environ: Mapping[str, str]) -> tuple[Hosts, list[str]]:
    """Put together what an operator allows.

    Args:
        listed: STRATUM_BUILD_HOSTS: with commas between, `host`, `host:port`, `.domain` or `*`.
        environ: the server's own, of which INDEXES count.

    Returns:
        The hosts, and what of the list could not be read.
    """
    places, domains, unread, is_open = set(), set(), [], False
    for entry in filter(None, (part.strip() for part in listed.split(","))):
        place = Place.read(entry.removeprefix("."))
        if entry == "*":
            is_open = True
        elif place is None:
            unread.append(entry)
        elif entry.startswith("."):
            domains.add(Place(f".{place.host}", place.port))
        else:
            places.add(place)
    named = places | _of_indexes(environ)
    defaults = {Place(host, None) for host in REGISTRIES}
    return Hosts(frozenset(defaults | named), frozenset(named), frozenset(domains), is_open), unread


def _of_indexes(environ: Mapping[str, str]) -> set[Place]:
    return {place for url in urls(environ) if (place := at(url)) is not None}


def urls(environ: Mapping[str, str]) -> list[SplitResult]:
    """List what the variables of the indexes name: URLs and, with an empty scheme, paths."""
    found = []
    for name in INDEXES:
        for entry in re.split(r"[\s,]+", environ.get(name, "")):
            _, named, address = entry.partition("=")  # uv: `name=https://…`
            text = address if named and "://" in address else entry
            try:
                found.append(urlsplit(text))
            except ValueError:
                continue
    return [url for url in found if url.scheme or url.path]


def at(url: SplitResult) -> Place | None:
    """Tell where a URL of the web leads."""
    standard = {"http": 80, "https": 443}.get(url.scheme)
    try:
        port = url.port or standard
    except ValueError:
        return None
    return Place(url.hostname, port) if standard and url.hostname and port else None


def _is_in(places: Iterable[Place], host: str, port: int) -> bool:
    return Place(host, port) in places or (port in WEB_PORTS and Place(host, None) in places)


def _is_name(host: str) -> bool:
    return 0 < len(host) <= _MAX_HOST and _NAME.fullmatch(host) is not None


def _port(text: str) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > len(str(_MAX_PORT)):
        return None
    return int(text) if 0 < int(text) <= _MAX_PORT else None
