"""Which addresses are the world's, and which belong to this machine or a network around it."""

import ipaddress
import socket
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Found: TypeAlias = tuple[socket.AddressFamily, tuple[str, int]]

# IANA's special-purpose registries (RFC 6890), as far as something may answer there.
_CLOSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3"),
        *("::/127", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
        *("64:ff9b:1::/48", "::ffff:0:0:0/96"),  # of networks that translate to IPv4 (RFC 8215, RFC 2765)
    )
)
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))


def is_public(text: str) -> bool:
    """Whether an address is none of a private network, of loopback, of a link, or of a group."""
    try:
        address = _meant(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    return not any(address.version == network.version and address in network for network in _CLOSED)


def is_ours(address: str, port: int) -> bool:
    """Whether an address, public or not, is one of this machine; nothing is sent to learn it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, port))
            return bool(probe.getsockname()[0] == probe.getpeername()[0])
    except OSError:
        return False  # no way leads there


def look_up(host: str, port: int) -> list[Found]:
    """Ask for the addresses of a host; an address is its own.

    Raises:
        OSError: there is none, or nobody knows.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(str(error)) from error
    return [(family, (str(place[0]), port)) for family, _, _, _, place in found]


def _meant(address: Address) -> Address:
    """Take an IPv4 address out of the IPv6 address that stands for it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and any(address in network for network in _NAT64) and int(address) > 1:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address
