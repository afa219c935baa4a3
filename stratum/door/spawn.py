"""Start a program as another uid, with nothing of ours left in it.

The uid is dropped before any variable of the caller is in force: LD_PRELOAD in a build's
environment must never reach a program that is still root.
"""

import io
import os
import resource
import select
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeAlias

from stratum.door import birthmark, prctl
from stratum.door.fencing import calls

UMASK = 0o022
NOT_STARTED = 127
_CHUNK = 1 << 16
_MAX_CHUNKS = 256
_GOES_FIRST = "900"  # of 1000 (proc(5))
# (limit, wanted); never raised above the hard limit that an ordinary user already has.
LIMITS = ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, 65536))
# Handled or ignored by us or by Python; a program must meet them as they are by default.
_OUR_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ)


@dataclass(frozen=True, slots=True)
class Program:
    """What to start, where, and as whom.

    Attributes:
        cwd: a path, entered as the new uid; or an open folder, entered before.
        uid: whose rights it has, its gid being the same number; None keeps ours.
        limits: of the kernel, besides LIMITS: what setrlimit(2) takes.
        goes_first: whether the kernel ends it before others when memory is short.
        kept: an open file that it has as number 3.
        may_gain: whether set-uid bits have power for it.
        refused: the filter of system calls it is held to (`calls.filter_`); empty for none.
        birthmark: the number by which what comes of it is known (`birthmark`).
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path | int
    uid: int | None
    limits: tuple[tuple[int, int], ...] = ()
    goes_first: bool = False
    kept: int | None = None
    may_gain: bool = False
    refused: bytes = b""
    birthmark: int | None = None


Begin: TypeAlias = Callable[[Program, tuple[int, int, int]], int]


def start(program: Program, fds: tuple[int, int, int]) -> int:
    """Start a program in a session of its own and return its pid; the caller waits for it.

    What keeps it from starting goes to its standard error, and it ends with NOT_STARTED.

    Args:
        fds: its standard input, output and error; open only there.
    """
    pid = os.fork()
    if pid == 0:
        become_program(program, fds)
    return pid


def become(uid: int | None) -> None:
    """Give up all rights but those of a uid, for good. None keeps ours.

    Raises:
        PermissionError: the uid asked for is root's.
    """
    if uid is None:
        return
    if uid <= 0:
        message = f"uid {uid} is none to become"
        raise PermissionError(message)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def capture(program: Program, limit_s: float, begin: Begin = start) -> tuple[int, str]:
    """Run a program without input; return its exit code and what it said.

    Args:
        begin: starts it, and returns a child of ours.

    Raises:
        TimeoutError: it took longer than it may, and was ended with its session.
    """
    null = os.open(os.devnull, os.O_RDONLY)
    source, sink = os.pipe()
    try:
        pid = begin(program, (null, sink, sink))
    finally:
        os.close(null)
        os.close(sink)
    with os.fdopen(source, "rb", buffering=0) as said:
        text = _read_all(said, limit_s)
    if text is None:
        for kill in (os.kill, os.killpg):  # it may not lead a group yet
            with suppress(ProcessLookupError):
                kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    if text is None:
        message = f"{program.argv[0]} was ended, since it takes too long"
        raise TimeoutError(message)
    return exit_code(status), text.decode(errors="replace")


def exit_code(status: int) -> int:
    """Turn a wait status into what a shell would say."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _read_all(file: io.FileIO, limit_s: float) -> bytes | None:
    """Read to the end, and return the last of it; None when the end does not come in time.

    Whoever has the program's uid can make it print without end.
    """
    deadline = time.monotonic() + limit_s
    poll = select.poll()
    poll.register(file, select.POLLIN)
    chunks: deque[bytes] = deque(maxlen=_MAX_CHUNKS)
    while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        chunk = file.read(_CHUNK)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
    return None


def become_program(program: Program, fds: tuple[int, int, int]) -> NoReturn:
    """Make this process, a fresh fork, the program."""
    try:
        _set_up(program, fds)
        os.execve(program.argv[0], program.argv, dict(program.env))
    except BaseException as error:
        os.write(2, f"{program.argv[0]} could not be started: {error}\n".encode(errors="replace"))
    finally:
        os._exit(NOT_STARTED)


def _set_up(program: Program, fds: tuple[int, int, int]) -> None:
    _take_over(fds)
    os.setsid()
    reset_signals()
    _limit(program)
    if isinstance(program.cwd, int):
        os.fchdir(program.cwd)
    parent = os.getppid()
    become(program.uid)
    prctl.die_with_parent()
    if os.getppid() != parent:
        os._exit(NOT_STARTED)
    if not program.may_gain:
        prctl.gain_no_privileges()
    os.umask(UMASK)
    if isinstance(program.cwd, Path):
        os.chdir(program.cwd)
    if program.kept is None:
        os.closerange(3, 65536)
    else:
        os.dup2(program.kept, 3)
        os.closerange(4, 65536)
    if program.refused:
        calls.confine(program.refused)


def _limit(program: Program) -> None:
    if program.goes_first:
        with suppress(OSError):  # a container may have closed it
            Path("/proc/self/oom_score_adj").write_text(_GOES_FIRST)
    for limit, wanted in (*LIMITS, *program.limits):
        hard = resource.getrlimit(limit)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(limit, (value, value))
    if program.birthmark is not None:
        birthmark.bear(program.birthmark)


def reset_signals() -> None:
    """Meet signals as they are by default."""
    for number in _OUR_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _take_over(fds: tuple[int, int, int]) -> None:
    """Make the three descriptors 0, 1 and 2, whatever numbers they have now."""
    above = [os.dup(fd) if fd < 3 else fd for fd in fds]  # noqa: PLR2004
    for number, fd in enumerate(above):
        os.dup2(fd, number)
