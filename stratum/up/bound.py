"""Binds the public port, then becomes the router: `python -m stratum.up.bound HOST:PORT PROGRAM …`.

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
    """Bind and exec; what is given after the address is the program with its arguments."""
    listen, *argv = sys.argv[1:]
    host, _, port = listen.rpartition(":")
    server = socket.create_server((host, int(port)), backlog=BACKLOG)
    os.dup2(server.fileno(), ROUTER_FD)
    os.set_inheritable(ROUTER_FD, True)  # dup2 leaves it alone when the numbers are the same
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main()
