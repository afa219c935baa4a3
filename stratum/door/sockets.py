"""TCP sockets as /proc shows them, IPv4 and IPv6. Source: proc(5), net/ipv4/tcp_ipv4.c."""

from collections.abc import Iterator
from pathlib import Path

from stratum.door import proc

_ESTABLISHED, _LISTEN = b"01", b"0A"
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LOCAL, _STATE, _INODE = 1, 3, 9


def listening(port: int) -> set[str]:
    """Find the inodes of sockets that listen on a port, on any address."""
    return {fields[_INODE].decode() for fields in _rows(port) if fields[_STATE] == _LISTEN}


def established(port: int) -> int:
    """Count the connections whose local end is a port."""
    return sum(fields[_STATE] == _ESTABLISHED for fields in _rows(port))


def listens(pid: int, port: int) -> bool:
    """Whether the process, or one of its family, listens on the port."""
    inodes = listening(port)
    if not inodes:
        return False
    root = proc.read(pid)
    if root is None:
        return False
    members = proc.family(proc.snapshot(lambda uid: uid == root.uid), [pid])
    return any(_holds(member, inodes) for member in sorted(members))


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


def _holds(pid: int, inodes: set[str]) -> bool:
    try:
        links = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False
    return any(_inode(link) in inodes for link in links)


def _inode(link: Path) -> str:
    try:
        target = str(link.readlink())
    except OSError:
        return ""
    return target[8:-1] if target.startswith("socket:[") else ""
