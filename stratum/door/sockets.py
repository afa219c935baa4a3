"""TCP sockets by local port, IPv4 and IPv6, and who holds them.

From the kernel by netlink; from /proc/net/tcp where it does not answer. Source: proc(5).
"""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from stratum.door import netlink, owner, proc

_ESTABLISHED = 1  # linux/tcp_states.h
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LOCAL, _STATE, _INODE = 1, 3, 9
_MAPPED = b"\0" * 10 + b"\xff\xff"  # RFC 4291, 2.5.5.2: before an address of IPv4 within IPv6
_HERE = (b"\x7f\0\0\1", b"\0\0\0\0")  # 127.0.0.1 and all addresses
_REACHED = (*_HERE, b"\0" * 16, *(_MAPPED + address for address in _HERE))


def listening(port: int) -> set[str]:
    """Find the inodes of sockets that listen on a port where 127.0.0.1 reaches them, as the router does."""
    try:
        found = netlink.listening(port)
    except OSError:
        return set(listening_by_table(port))
    return {str(inode) for inode, address, is_v6only in found if address in _REACHED and not is_v6only}


def listening_by_table(port: int) -> list[str]:
    """Find the same in the tables of all sockets, which do not tell what is for IPv6 alone."""
    code = b"%02X" % netlink.LISTEN
    return [
        fields[_INODE].decode()
        for fields in _rows(port)
        if fields[_STATE] == code and _address(fields[_LOCAL]) in _REACHED
    ]


def established(port: int) -> int:
    """Count the connections whose local end is a port."""
    return len(_inodes(port, _ESTABLISHED))


def listens(pid: int, port: int) -> bool:
    """Whether the process, or one of its family, listens on the port where 127.0.0.1 reaches it.

    Most often it does so itself: who else is of its family takes a look at all processes.

    Raises:
        OSError: its open files could not be looked at.
    """
    inodes = listening(port)
    if not inodes:
        return False
    root = proc.read(pid)
    if root is None:
        return False
    return _hold([root], inodes) or _hold(_others(root), inodes)


def _others(root: proc.Process) -> list[proc.Process]:
    processes = proc.snapshot(lambda uid: uid == root.uid)
    return [processes[pid] for pid in sorted(proc.family(processes, [root.pid]) - {root.pid})]


def _hold(processes: Iterable[proc.Process], inodes: set[str]) -> bool:
    held = owner.look(processes, _held)
    return any(not inodes.isdisjoint(found) for found in held.values())


def _inodes(port: int, state: int) -> list[str]:
    try:
        return [str(inode) for inode in netlink.inodes(port, state)]
    except OSError:
        return from_table(port, state)


def from_table(port: int, state: int) -> list[str]:
    """Find what `netlink.inodes` does, by reading the tables of all sockets."""
    code = b"%02X" % state
    return [fields[_INODE].decode() for fields in _rows(port) if fields[_STATE] == code]


def _address(field: bytes) -> bytes:
    """The bytes of an address, written as numbers of four bytes each in the order of this machine."""
    text = field.partition(b":")[0]
    return b"".join(struct.pack("=I", int(text[at : at + 8], 16)) for at in range(0, len(text), 8))


def _rows(port: int) -> Iterator[list[bytes]]:
    wanted = b":%04X " % port
    for table in _TABLES:
        try:
            with table.open("rb") as lines:
                for line in lines:
                    if wanted in line:
                        fields = line.split()
                        if fields[_LOCAL].endswith(wanted.strip()):
                            yield fields
        except FileNotFoundError:  # a kernel without IPv6
            continue


def _held(pid: int) -> list[str]:
    """List the inodes of the sockets that a process has open."""
    return [inode for link in Path(f"/proc/{pid}/fd").iterdir() if (inode := _inode(link))]


def _inode(link: Path) -> str:
    try:
        target = str(link.readlink())
    except FileNotFoundError:  # closed meanwhile
        return ""
    return target[8:-1] if target.startswith("socket:[") else ""
