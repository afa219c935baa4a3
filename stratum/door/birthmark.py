"""The mark that nothing of an app or a build sheds by chance: how many file locks it might hold.

A process can drop its variables, leave its session and folder, close its files and outlive its parent.
A hard limit goes with it through fork(2) and execve(2), and only root may raise it. Who wants to be rid of
it can lower it; but unfenced apps are trusted (docs/operating.md). That of file locks binds nothing: the
kernel has heeded it in Linux 2.4.0 to 2.4.24 alone. So a number that nobody else would choose says which
instance has begun what carries it; an operator's shell never does.

The launcher (`runner/engines/supervisord/launch.py`) sees nothing of the project and has the number's
formula for itself. Source: getrlimit(2), RLIMIT_LOCKS; proc(5), /proc/pid/limits.
"""

import resource
from collections.abc import Iterable

from stratum.door import proc

LIMIT = 10  # RLIMIT_LOCKS (asm-generic/resource.h), which `resource` has no name for
_LINE = b"Max file locks"
_HARD = 4  # of the line's words


def number(instance_id: str) -> int:
    """Choose an instance's number, far above what anybody would limit locks to, and below "unlimited"."""
    return (1 << 62) + int.from_bytes(instance_id.encode(), "big") % ((1 << 61) - 1)


def bear(wanted: int) -> None:
    """Have this process and all that comes of it carry a number, where the kernel lets it.

    Where it does not, as in some sandboxes or below a lower limit, variables have to do.
    """
    try:
        resource.setrlimit(LIMIT, (wanted, wanted))
    except (ValueError, OSError):
        return


def bearers(processes: Iterable[proc.Process], wanted: int) -> set[int]:
    """Find which processes carry a number."""
    return {process.pid for process in processes if carried(proc.limits(process.pid)) == wanted}


def carried(limits: bytes) -> int | None:
    """Read the number from the text of /proc/pid/limits; None for none."""
    for line in limits.splitlines():
        if line.startswith(_LINE):
            hard = line.split()[_HARD : _HARD + 1]
            return int(hard[0]) if hard and hard[0].isdigit() else None
    return None
