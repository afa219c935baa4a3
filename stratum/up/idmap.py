"""Which uids and gids exist here: all of them on a host, few in a container of its own user namespace."""

from collections.abc import Iterable
from pathlib import Path

ALL = range(2**32 - 1)  # the last number means "leave it" to chown(2)
MAPS = (Path("/proc/self/uid_map"), Path("/proc/self/gid_map"))


def mapped() -> list[range]:
    """List the numbers that are a uid and a gid here, as ranges in rising order."""
    uids, gids = (parsed(_read(path)) for path in MAPS)
    return common(uids, gids)


def parsed(text: str) -> list[range]:
    """Read a map: lines of first number inside, first number outside, count (user_namespaces(7))."""
    lines = [tuple(map(int, line.split())) for line in text.splitlines()]
    return joined(range(inside, inside + count) for inside, _outside, count in lines)


def joined(ranges: Iterable[range]) -> list[range]:
    """Sort ranges and join those that touch."""
    found: list[range] = []
    for one in sorted(ranges, key=lambda each: each.start):
        if found and one.start <= found[-1].stop:
            found[-1] = range(found[-1].start, max(found[-1].stop, one.stop))
        else:
            found.append(one)
    return found


def common(left: Iterable[range], right: Iterable[range]) -> list[range]:
    """List what two lists of ranges share."""
    pairs = [(one, other) for one in left for other in right]
    shared = (range(max(a.start, b.start), min(a.stop, b.stop)) for a, b in pairs)
    return joined(one for one in shared if one)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:  # a kernel without user namespaces
        return f"0 0 {ALL.stop}"
