"""Binds the public ports, then becomes the router: `python -m stratum.up.bound ADDRESS[,ADDRESS] PROGRAM …`.

A Caddy that binds the port itself opens a second socket at every change of its routes (SO_REUSEPORT)
and closes the first: connections that wait there to be accepted are reset, one in some thousands at
200 a second. On one socket that is handed down nothing is ever reset.
"""

import os
import socket
import sys

from stratum.layout import ROUTER_FD

BACKLOG = 1024


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
    return socket.create_server((host, int(port)), backlog=BACKLOG)


if __name__ == "__main__":
    main()
