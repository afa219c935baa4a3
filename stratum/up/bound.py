"""Binds the public ports, then becomes the router: `python -m stratum.up.bound ADDRESS[,ADDRESS] PROGRAM …`.

A Caddy that binds the port itself opens a second socket at every change of its routes (SO_REUSEPORT)
and closes the first: connections that wait there to be accepted are reset, one in some thousands at
200 a second. On one socket that is handed down nothing is ever reset.

Linux hands a connection over when its request begins to come (TCP_DEFER_ACCEPT): one that Caddy has
taken and not read from would be closed without an answer at the next change.
"""

import os
import socket
import sys

from stratum.layout import ROUTER_FD

BACKLOG = 1024
SILENT_S = 15  # one that says nothing for so long is handed over all the same


def main() -> None:
    """Bind and exec; what is given after the addresses is the program with its arguments."""
    listen, *argv = sys.argv[1:]
    servers = [_bound(address) for address in listen.split(",")]
    for number, server in enumerate(servers, ROUTER_FD):
        os.dup2(server.fileno(), number)
        os.set_inheritable(number, True)  # dup2 leaves it alone when the numbers are the same
    os.execv(argv[0], argv)


def _bound(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    server = socket.create_server((host, int(port)), backlog=BACKLOG)
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENT_S)
    return server


if __name__ == "__main__":
    main()
