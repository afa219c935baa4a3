"""Ports of web processes: given once, kept until the process is gone for good."""

import socket
from collections.abc import Iterable, Iterator, Sequence

from runner.apply.parts import Parts
from stratum.errors import Unavailable
from stratum.store import formation as store


def given(parts: Parts, app_id: int, names: Sequence[str]) -> dict[str, int]:
    """Return a port for each name, giving one to those that have none.

    Raises:
        Unavailable: all ports of the range are taken.
    """
    with parts.database.read() as tx:
        known, taken = store.ports_of(tx, app_id), store.ports_taken(tx)
    lacking = [name for name in names if name not in known]
    while lacking:
        free = _free(parts, taken)
        # Looked for outside the transaction; another applier may have been faster.
        offers = [(name, next(free)) for name in lacking]
        with parts.database.write() as tx:
            taken = store.ports_taken(tx)
            for name, port in offers:
                if port not in taken:
                    store.give_port(tx, app_id, name, port)
                    known[name] = port
        lacking = [name for name in names if name not in known]
    return {name: known[name] for name in names}


def exchange(parts: Parts, app_id: int, names: Iterable[str]) -> None:
    """Give other ports to processes that do not run and whose port somebody else has taken."""
    with parts.database.read() as tx:
        known = store.ports_of(tx, app_id)
    lost = [name for name in names if name in known and not is_free(known[name])]
    if lost:
        with parts.database.write() as tx:
            store.free_ports(tx, app_id, lost)


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
    settings = parts.instance.settings
    for port in range(settings.port_first, settings.port_last + 1):
        if port not in taken and is_free(port):
            yield port
    message = f"All ports from {settings.port_first} to {settings.port_last} are taken."
    raise Unavailable(message, "Widen the range with STRATUM_PORT_FIRST and STRATUM_PORT_LAST.")
