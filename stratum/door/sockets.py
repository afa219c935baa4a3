"""TCP sockets by local port, IPv4 and IPv6, and who holds them.

From the kernel by netlink; from /proc/net/tcp where it does not answer. Source: proc(5).
"""

from collections.abc import Iterator
from pathlib import Path

from stratum.door import netlink, owner, proc

_ESTABLISHED, _LISTEN = 1, 10  # linux/tcp_states.h
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LOCAL, _STATE, _INODE = 1, 3, 9


def listening(port: int) -> set[str]:
    """Find the inodes of sockets that listen on a port, on any address."""
    return set(_inodes(port, _LISTEN))


def established(port: int) -> int:
    """Count the connections whose local end is a port."""
    return len(_inodes(port, _ESTABLISHED))


def listens(pid: int, port: int) -> bool:
    """Whether the process, or one of its family, listens on the port.

    Raises:
        OSError: its open files could not be looked at.
    """
    inodes = listening(port)
    if not inodes:
        return False
    root = proc.read(pid)
    if root is None:
        return False
    processes = proc.snapshot(lambda uid: uid == root.uid)
    members = [processes[member] for member in sorted(proc.family(processes, [pid]))]
    held = owner.look(members, _held)
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
