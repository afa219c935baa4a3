"""Connecting to where news is told, if it may be told there.

It must not be this machine or a network around it, unless the operator allows that host. That is checked on
the very address that is connected to, so that a name which leads elsewhere when it is asked again gains
nothing.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Timer

from stratum.door.wayout import addresses, hosts

MAX_TRIED = 4  # addresses of a host


class Unreachable(Exception):
    """Nobody can be told there.

    Attributes:
        host, port: where.
    """

    def __init__(self, host: str, port: int, reason: object) -> None:
        super().__init__(f"{host}:{port} {reason}")
        self.host, self.port = host, port


@dataclass(frozen=True, slots=True)
class Allowed:
    """The hosts that the operator allows wherever they are.

    Attributes:
        setting: that names them.
        allow_private: whether it does a host, in small letters, at a port.
    """

    setting: str
    allow_private: Callable[[str, int], bool]


def allowed_hosts(listed: str) -> Allowed:
    """Read STRATUM_HOOK_HOSTS, checked at the start."""
    return Allowed("STRATUM_HOOK_HOSTS", hosts.read(listed, {})[0].allow_private)


def connect(host: str, port: int, allowed: Allowed, timeout_s: float) -> socket.socket:
    """Connect.

    Args:
        timeout_s: for all addresses of the host together: it may have any number that do not answer.

    Raises:
        Unreachable: it is not allowed, or does not answer.
    """
    is_named = allowed.allow_private(host.lower().removesuffix("."), port)
    try:
        found = addresses.look_up(host, port)
    except OSError as error:
        raise Unreachable(host, port, f"has no address ({error.strerror or error})") from error
    usable = [one for one in found if is_named or addresses.is_public(one[1][0])]
    if not usable:
        raise Unreachable(host, port, _closed(allowed, host, port))
    reason: OSError | None = None
    usable = usable[:MAX_TRIED]
    for family, address in usable:
        server = socket.socket(family, socket.SOCK_STREAM)
        server.settimeout(timeout_s / len(usable))
        try:
            server.connect(address)
        except OSError as error:
            server.close()
            reason = error
            continue
        if not is_named and server.getpeername()[0] == server.getsockname()[0]:  # a public address of ours
            server.close()
            raise Unreachable(host, port, _closed(allowed, host, port))
        return server
    raise Unreachable(host, port, f"cannot be reached ({reason})")


@contextmanager
def deadline(server: socket.socket, limit_s: float) -> Iterator[Event]:
    """End a connection after a time: a limit of a socket is for each read, and the other side may drip.

    Yields what is set then.
    """
    # A second descriptor: TLS takes the first away, and knows no `dup`.
    held, is_over = socket.socket(fileno=os.dup(server.fileno())), Event()
    timer = Timer(limit_s, _end, (held, is_over))
    timer.daemon = True
    timer.start()
    try:
        yield is_over
    finally:
        timer.cancel()
        timer.join()
        held.close()


def _end(server: socket.socket, is_over: Event) -> None:
    is_over.set()
    try:
        server.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was quicker


def _closed(allowed: Allowed, host: str, port: int) -> str:
    allow = f"{allowed.setting}={host}:{port}"
    return f"is this server, or in a private network; an operator allows it with {allow}"
