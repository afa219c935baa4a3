"""The same fences by bubblewrap, for hosts that let this program make namespaces and no other.

Such are those on which it is set-uid, or which bind user namespaces to programs known by name (AppArmor).
Source: bwrap(1), 0.8; it sets no_new_privs itself, and passes open files on.
"""

import json
import socket
import sys
from pathlib import Path

from stratum.door import spawn
from stratum.door.fencing import calls, network
from stratum.door.fencing.view import SYSTEM, TMP_BYTES, View
from stratum.door.spawn import Program

_APART = ("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--die-with-parent")
_EMPTY = ("/home", "/root", "/run")
_FIRST = Path(__file__).with_name("bubble_first.py")


def start(program: Program, fds: tuple[int, int, int], bwrap: str, view: View) -> tuple[int, socket.socket]:
    """Start a program inside; return our child and where it hands out what leads inside.

    It is told what to run only in there: bubblewrap itself meets nothing of the caller's environment.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    argv = (bwrap, *arguments(view), "--", sys.executable, "-IS", str(_FIRST))
    outer = Program(
        argv, {}, Path("/"), None, program.limits, program.goes_first, kept=theirs.fileno(), may_gain=True
    )
    pid = spawn.start(outer, fds)
    theirs.close()
    order = {
        "argv": program.argv,
        "env": dict(program.env),
        "cwd": str(program.cwd),
        "port": network.WAY_OUT_PORT,
        "refused": program.refused.hex(),
        "seccomp": calls.number() if program.refused else 0,
    }
    ours.sendall(json.dumps(order).encode() + b"\n")
    return pid, ours


def arguments(view: View) -> list[str]:
    """Write a view as bubblewrap takes it."""
    made = [*_APART, "--perms", "1777", "--size", str(TMP_BYTES), "--tmpfs", "/tmp"]
    for path in SYSTEM:
        if path.is_symlink():
            made += ["--symlink", str(path.readlink()), str(path)]
        elif path.exists():
            made += ["--ro-bind", str(path), str(path)]
    for folder in _EMPTY:
        made += ["--dir", folder]
    made += ["--symlink", "/tmp", "/var/tmp", "--dev", "/dev", "--proc", "/proc"]
    around = view.private_around
    made += _hiding(around)
    for path in sorted(view.shown):
        is_there = any(path.is_relative_to(one) for one in SYSTEM)
        if not is_there or any(path.is_relative_to(one) for one in around):
            made += ["--ro-bind-try", str(path), str(path)]
    made += [*_hiding(view.private_within), "--tmpfs", str(view.hidden)]
    for path in view.own:
        made += ["--bind", str(path), str(path)]
    closed = (*(path for path in view.private if _is_folder(path)), view.hidden, Path("/"))
    return [*made, *(word for path in closed for word in ("--remount-ro", str(path)))]


def _hiding(paths: tuple[Path, ...]) -> list[str]:
    made = []
    for path in paths:
        if _is_folder(path):
            made += ["--tmpfs", str(path)]
        elif path.is_file() and not path.is_symlink():
            made += ["--ro-bind", "/dev/null", str(path)]
    return made


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
