"""Ask the kernel for TCP sockets of one port and state, without reading a table of all of them.

/proc/net/tcp walks every bucket of the kernel's table, 4 ms a file on a machine with 24 GiB; this
takes 0.1. Source: sock_diag(7), linux/inet_diag.h.
"""

import socket
import struct
from collections.abc import Iterator

_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
LISTEN = 10  # linux/tcp_states.h
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port id
_REQUEST = struct.Struct(
    "=BBBxI"
)  # inet_diag_req_v2 up to its socket id: family, protocol, extensions, states
_SOCKET_ID = struct.Struct("!H46x")  # inet_diag_sockid: the local port first
_INODE = struct.Struct("=I")
_INODE_AT, _MESSAGE_BYTES = 68, 72  # in inet_diag_msg, which has the attributes after it
_SOURCE = slice(8, 24)  # its address, of IPv4 in the first four bytes
_ATTRIBUTE = struct.Struct("=HH")  # rtattr: length, type
_V6ONLY = 11  # INET_DIAG_SKV6ONLY, told of all that listens
_BUFFER = 1 << 16


def inodes(port: int, state: int) -> list[int]:
    """List the inodes of TCP sockets whose local port and state these are, IPv4 and IPv6.

    Args:
        state: of linux/tcp_states.h: 1 is established, 10 is listening.

    Raises:
        OSError: this kernel does not answer such questions.
    """
    return [_INODE.unpack_from(found, _INODE_AT)[0] for found in _sockets(port, state)]


def listening(port: int) -> list[tuple[int, bytes, bool]]:
    """List the sockets that listen on a port: inode, address of 4 or 16 bytes, and whether for IPv6 alone.

    Raises:
        OSError: as `inodes`.
    """
    found = []
    for message in _sockets(port, LISTEN):
        size = 4 if message[0] == socket.AF_INET else 16
        address = message[_SOURCE][:size]
        found.append((_INODE.unpack_from(message, _INODE_AT)[0], address, _is_v6only(message)))
    return found


def _sockets(port: int, state: int) -> list[bytes]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        families = (socket.AF_INET, socket.AF_INET6)
        return [message for family in families for message in _ask(kernel, family, port, state)]


def _is_v6only(message: bytes) -> bool:
    at = _MESSAGE_BYTES
    while at + _ATTRIBUTE.size < len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, at)
        if kind == _V6ONLY:
            return bool(message[at + _ATTRIBUTE.size])
        at += max(_ATTRIBUTE.size, (length + 3) & ~3)
    return False


def _ask(kernel: socket.socket, family: int, port: int, state: int) -> Iterator[bytes]:
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 1 << state) + _SOCKET_ID.pack(port)
    kernel.send(_HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, _DUMP, 0, 0) + body)
    while True:
        for kind, payload in _messages(kernel.recv(_BUFFER)):
            if kind == _DONE:
                return
            if kind == _ERROR:
                number = -struct.unpack_from("=i", payload)[0]
                raise OSError(number, "the kernel refuses to list sockets")
            yield payload


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, at)
        yield kind, data[at + _HEADER.size : at + length]
        at += (length + 3) & ~3
