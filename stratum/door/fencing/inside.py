"""Start a step behind the fences: a keeper outside, the first process inside, and the step itself.

The keeper, a child of ours, makes the namespaces and waits. The first process puts view and network
together, starts the step, and ends with it: the kernel then kills whatever else is in there, double
forks and new sessions included. Either ends when its parent does.
"""

import os
import select
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from stratum.door import inherited, prctl, spawn
from stratum.door.fencing import bubble, fences, kernel, network
from stratum.door.fencing.fences import Fences
from stratum.door.fencing.view import View, enter
from stratum.door.spawn import Program

NOT_PUT_UP = "The build's fence could not be put up: "
READY_S = 60.0  # takes milliseconds, unless a file system of the host stands still
_READY = b"."


@dataclass(frozen=True, slots=True)
class Cell:
    """The fences of one step.

    Attributes:
        view: what it sees, where that fence stands.
    """

    fences: Fences
    view: View


@dataclass(frozen=True, slots=True)
class Started:
    """A step that runs.

    Attributes:
        pid: a child of ours that ends as the step does.
        listener: a socket inside, on which the step asks for a way out; None: it has our network.
        processes: its /proc, an open folder; None: its processes are among all others in ours.
    """

    pid: int
    listener: socket.socket | None = None
    processes: int | None = None

    def close(self) -> None:
        """Let go of what was opened."""
        if self.listener is not None:
            self.listener.close()
        if self.processes is not None:
            os.close(self.processes)


def start(program: Program, fds: tuple[int, int, int], cell: Cell) -> Started:
    """Start a program as `spawn.start` does, behind the fences that stand."""
    if not cell.fences.standing:
        return Started(spawn.start(program, fds))
    if cell.fences.bwrap:
        pid, link = bubble.start(program, fds, cell.fences.bwrap, cell.view)
        with link:
            return Started(pid, *_received(link, cell))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours:
        pid = os.fork()
        if pid == 0:
            ours.close()
            _keep(program, fds, cell, theirs)
        theirs.close()
        return Started(pid, *_received(ours, cell))


def _received(link: socket.socket, cell: Cell) -> tuple[socket.socket | None, int | None]:
    """Take what was opened inside; nothing comes when the step could not be started."""
    link.settimeout(READY_S)
    said, handles, _, _ = socket.recv_fds(link, len(_READY), 2)
    if not said:
        return None, None
    left = list(handles)
    listener = socket.socket(fileno=left.pop(0)) if fences.NETWORK in cell.fences.standing else None
    return listener, left.pop(0) if left else None


def _keep(program: Program, fds: tuple[int, int, int], cell: Cell, link: socket.socket) -> NoReturn:
    """Be the keeper."""
    code = spawn.NOT_STARTED
    try:
        parent = os.getppid()
        os.setsid()  # the door ends its group; a step is ended by its handler
        spawn.reset_signals()
        _unshare(cell.fences)
        if fences.PROCESSES not in cell.fences.standing:
            _set_up(cell, link)
            _be_step(program, fds, cell.fences)
        leash, held = os.pipe()
        first = os.fork()
        if first == 0:
            os.close(held)
            _be_first(program, fds, cell, (link, leash))
        inherited.close_all_but(held, first=0)  # who reads the step's output waits for the last to close it
        _give_up_rights(program.uid, cell.fences)
        if os.getppid() == parent:
            code = spawn.exit_code(os.waitpid(first, 0)[1])
    except OSError as error:
        _tell(fds[2], error)
    finally:
        os._exit(code)


def _be_first(
    program: Program, fds: tuple[int, int, int], cell: Cell, ties: tuple[socket.socket, int]
) -> NoReturn:
    """Be the first process inside: its end is the end of all others."""
    code = spawn.NOT_STARTED
    try:
        link, leash = ties
        _set_up(cell, link)
        step = os.fork()
        if step == 0:
            _be_step(program, fds, cell.fences)
        inherited.close_all_but(leash, first=0)
        _give_up_rights(program.uid, cell.fences)
        if not select.select([leash], [], [], 0)[0]:  # else the keeper is gone already
            code = _await(step)
    except OSError as error:
        _tell(fds[2], error)
    finally:
        os._exit(code)


def _be_step(program: Program, fds: tuple[int, int, int], standing: Fences) -> NoReturn:
    if standing.as_user:
        prctl.show_to_own_account(True)  # else what is written of it in /proc belongs to root
    spawn.become_program(program, fds)


def _unshare(standing: Fences) -> None:
    uid, gid = os.getuid(), os.getgid()
    kernel.unshare(standing.flags)
    if standing.as_user:
        prctl.show_to_own_account(True)  # else the files below belong to root
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
        prctl.show_to_own_account(False)  # before there is a step, which has the same account


def _set_up(cell: Cell, link: socket.socket) -> None:
    """Make view and network, and hand out what leads inside."""
    os.umask(spawn.UMASK)
    handles: list[int] = []
    standing = cell.fences.standing
    if fences.NETWORK in standing:
        network.bring_up_loopback()
        handles.append(network.listen().detach())
    if fences.VIEW in standing:
        enter(cell.view)
        if fences.PROCESSES in standing:
            handles.append(os.open("/proc", os.O_RDONLY | os.O_DIRECTORY))
    socket.send_fds(link, [_READY], handles)
    for handle in handles:
        os.close(handle)
    link.close()


def _give_up_rights(uid: int | None, standing: Fences) -> None:
    """Become the step's account, and end with the parent."""
    spawn.become(uid)
    prctl.show_to_own_account(False)
    if standing.as_user:
        kernel.drop_capabilities()
    prctl.die_with_parent()


def _await(step: int) -> int:
    """Reap whatever ends in here until the step does; return its exit code."""
    while True:
        pid, status = os.wait()
        if pid == step:
            return spawn.exit_code(status)


def _tell(stderr: int, error: OSError) -> None:
    os.write(stderr, f"{NOT_PUT_UP}{error.strerror or error}\n".encode(errors="replace"))
