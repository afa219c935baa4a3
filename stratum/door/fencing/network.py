"""A network of a step's own: loopback alone, and on it one port that leads to the way out."""

import fcntl
import socket
import struct

WAY_OUT_PORT = 3128  # the port that proxies have by custom; nobody else is in there
_SIOCSIFFLAGS = 0x8914  # netdevice(7)
_IFF_UP = 1
_REQUEST = struct.Struct("16sh22x")
_BACKLOG = 128


def bring_up_loopback() -> None:
    """Have 127.0.0.1 answer in a new network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, _SIOCSIFFLAGS, _REQUEST.pack(b"lo", _IFF_UP))


def listen() -> socket.socket:
    """Listen where programs inside look for their proxy; whoever has this socket may answer from outside."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", WAY_OUT_PORT))
    listener.listen(_BACKLOG)
    return listener


def environ() -> dict[str, str]:
    """Make the variables that lead programs to the way out; each knows some of them."""
    url = f"http://127.0.0.1:{WAY_OUT_PORT}"
    names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    berry = {"YARN_HTTP_PROXY": url, "YARN_HTTPS_PROXY": url}
    local = dict.fromkeys(("no_proxy", "NO_PROXY"), "localhost,127.0.0.1,::1")
    # Node's own fetch looks at the others only when it is told to (nodejs.org/api/cli.html).
    return {**dict.fromkeys(names, url), **berry, **local, "NODE_USE_ENV_PROXY": "1"}
