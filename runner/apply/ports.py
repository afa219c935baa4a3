"""Ports of web processes: given once, kept until the process is gone for good."""

import random
import socket
from collections.abc import Iterable, Iterator, Sequence

from runner import listening
from runner.apply.parts import Parts
from runner.plan import known
from stratum.errors import RolloutFailed
from stratum.store import formation as store


def given(parts: Parts, app_id: int, names: Sequence[str]) -> dict[str, int]:
    """Return a port for each name, giving one to those that have none.

    Raises:
        RolloutFailed: all ports of the range are taken.
    """
    with parts.database.read() as tx:
        ports, taken = store.ports_of(tx, app_id), store.ports_taken(tx)
    lacking = [name for name in names if name not in ports]
    while lacking:
        free = _free(parts, taken)
        # Looked for outside the transaction; another applier may have been faster.
        offers = list(zip(lacking, free, strict=False))
        if len(offers) < len(lacking):
            raise _none_left(parts, lacking[len(offers)])
        with parts.database.write() as tx:
            taken = store.ports_taken(tx)
            for name, port in offers:
                if port not in taken:
                    store.give_port(tx, app_id, name, port)
                    ports[name] = port
        lacking = [name for name in names if name not in ports]
    return {name: ports[name] for name in names}


def exchange(parts: Parts, app_id: int, names: Iterable[str]) -> None:
    """Give other ports to processes that do not run and whose port somebody else has taken."""
    with parts.database.read() as tx:
        ports = store.ports_of(tx, app_id)
    lost = [name for name in names if name in ports and not is_free(ports[name])]
    if lost:
        with parts.database.write() as tx:
            store.free_ports(tx, app_id, lost)


def robbed(parts: Parts, ports: Iterable[tuple[int, int]]) -> set[int]:
    """Tell on which ports somebody else listens than the app they were given to.

    Unfenced all are one account, and trusted with all that it has.

    Args:
        ports: app id and port.
    """
    fence, given_to = parts.instance.fence, list(ports)
    if not fence.fenced or not given_to:
        return set()
    there = listening.accounts()
    return {port for app_id, port in given_to if there.get(port, set()) - {fence.app_uid(app_id)}}


def is_free(port: int) -> bool:
    """Whether a process could listen on a port, on all addresses.

    With SO_REUSEADDR, so that connections in TIME_WAIT do not count; one that listens does, on
    whatever address (ip(7), socket(7)).
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def _free(parts: Parts, taken: set[int]) -> Iterator[int]:
    """Look from anywhere on: the router may keep a connection to who had the port that was freed last."""
    settings = parts.instance.settings
    ports = range(settings.port_first, settings.port_last + 1)
    first = random.randrange(len(ports))
    for port in (*ports[first:], *ports[:first]):
        if port not in taken and is_free(port):
            yield port


def _none_left(parts: Parts, name: str) -> RolloutFailed:
    settings = parts.instance.settings
    reason = f"cannot have a port: all from {settings.port_first} to {settings.port_last} are taken."
    return RolloutFailed(known(name).label, reason)
