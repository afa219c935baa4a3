"""Connect to where a step asks to go, if it may."""

import socket
from contextlib import suppress

from stratum.door.wayout import addresses
from stratum.door.wayout.hosts import Place
from stratum.door.wayout.request import END, MAX_HEAD_BYTES
from stratum.door.wayout.rules import Rules
from stratum.door.wayout.upstream import Upstream

CONNECT_S = 15.0
_CHUNK = 64 << 10


class Refused(Exception):
    """A step may not, or cannot, go there; never raised itself.

    Attributes:
        status: what HTTP calls it.
        sentence: for the build's log.
    """

    status = "502 Bad Gateway"

    def __init__(self, place: Place, reason: str) -> None:
        self.sentence = f"No way out to {shown(place)}: {reason}"
        super().__init__(self.sentence)


class Forbidden(Refused):
    """An operator would have to allow it."""

    status = "403 Forbidden"

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(
            place, f"{reason}. An operator allows it with STRATUM_BUILD_HOSTS={_setting(place)}."
        )


class Unreachable(Refused):
    """It is allowed, but does not answer."""

    def __init__(self, place: Place, reason: object) -> None:
        super().__init__(place, f"it cannot be reached ({reason}).")


_UNKNOWN = "its address cannot be looked up here"
_LISTED = "builds reach package registries only"
_PRIVATE = "its address is one of the server or of a private network"


def to(place: Place, rules: Rules, *, tunnel: bool) -> socket.socket:
    """Connect; through the upstream proxy a tunnel is asked for, anything else is the caller's to send.

    Raises:
        Refused: it is not allowed, or cannot be reached.
    """
    port = place.port or 0
    if not rules.hosts.allow(place.host, port):
        raise Forbidden(place, _LISTED)
    upstream = upstream_for(place, rules)
    if upstream is None:
        return _direct(place, closed_too=rules.hosts.allow_private(place.host, port))
    _check_public(place, rules)
    server = _direct(upstream.place, closed_too=True)
    if tunnel:
        _ask_for_tunnel(server, place, upstream)
    return server


def upstream_for(place: Place, rules: Rules) -> Upstream | None:
    """Tell through which proxy a host is reached; None for none."""
    return rules.upstream if rules.upstream and rules.upstream.is_for(place.host) else None


def shown(place: Place) -> str:
    """Write a place as `host:port`."""
    return f"[{place.host}]:{place.port}" if ":" in place.host else f"{place.host}:{place.port}"


def _check_public(place: Place, rules: Rules) -> None:
    """See that another proxy is asked for nothing private.

    It looks names up itself, and may know those of its own network: so only names that are listed in
    full go there unseen. Whatever is allowed by `*` or a domain has to be public by our own look-up.
    """
    port = place.port or 0
    if rules.hosts.names(place.host, port):
        return
    try:
        found = addresses.look_up(place.host, port)
    except OSError as error:
        raise Forbidden(place, _UNKNOWN) from error
    if not all(addresses.is_public(one[1][0]) for one in found):
        raise Forbidden(place, _PRIVATE)


def _direct(place: Place, *, closed_too: bool) -> socket.socket:
    try:
        found = addresses.look_up(place.host, place.port or 0)
    except OSError as error:
        raise Unreachable(place, error) from error
    usable = [one for one in found if closed_too or addresses.is_public(one[1][0])]
    if not usable:
        raise Forbidden(place, _PRIVATE)
    reason: OSError | None = None
    for family, address in usable:
        server = socket.socket(family, socket.SOCK_STREAM)
        try:
            server.settimeout(CONNECT_S)
            server.connect(address)
        except OSError as error:
            server.close()
            reason = error
            continue
        if not closed_too and server.getpeername()[0] == server.getsockname()[0]:  # a public address of ours
            server.close()
            raise Forbidden(place, _PRIVATE)
        return server
    raise Unreachable(place, reason)


def _ask_for_tunnel(server: socket.socket, place: Place, upstream: Upstream) -> None:
    name = shown(place).encode()
    reply = b""
    with suppress(OSError):
        server.sendall(b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (name, name, upstream.authorization()))
        while END not in reply and len(reply) < MAX_HEAD_BYTES and (chunk := server.recv(1)):
            reply += chunk  # one by one, so that nothing of the tunnel is taken; a head is short
    line = reply.partition(b"\r\n")[0].decode("ascii", "replace")
    if line.split(" ")[1:2] != ["200"]:
        server.close()
        raise Unreachable(place, f"the server's own proxy said {line[:200]!r}")


def _setting(place: Place) -> str:
    return place.host if place.port in {80, 443} and ":" not in place.host else shown(place)
