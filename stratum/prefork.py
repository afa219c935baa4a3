"""One master that imports once and forks builders, appliers and the reconciler.

Forked from one import they share its pages (docs/performance.md). What else they can share a module
prepares in a function `warm`, which leaves no connection and no thread. The master does nothing
else: it starts what is named on its command line, starts again what ends, and ends all when it is
told to. `python -m stratum.prefork builder.worker:main=2 …`
"""

import ctypes
import gc
import importlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

log = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1  # prctl(2)
RESPAWN_PAUSE_S = 1.0
GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of child: what it runs, under which name, how many."""

    name: str
    run: Callable[[], None]
    count: int


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that forked it ends."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def parse(argument: str) -> Kind:
    """Import what an argument `module:function=count` names, and warm it."""
    target, _, count = argument.partition("=")
    name, _, function = target.partition(":")
    module = importlib.import_module(name)
    getattr(module, "warm", lambda: None)()
    return Kind(target, getattr(module, function), int(count or 1))


class Master:
    """Keeps the children running."""

    def __init__(self, kinds: list[Kind]) -> None:
        self._kinds = kinds
        self._children: dict[int, Kind] = {}
        self._stopping = False

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; then end the children and return."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        gc.collect()
        gc.freeze()
        for kind in self._kinds:
            for _ in range(kind.count):
                self._fork(kind)
        while not self._stopping:
            self._reap_one()
        self._end_all()

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        raise InterruptedError

    def _fork(self, kind: Kind) -> None:
        pid = os.fork()
        if pid == 0:
            _child(kind)
        self._children[pid] = kind

    def _reap_one(self) -> None:
        try:
            pid, status = os.wait()
        except (InterruptedError, ChildProcessError):
            return
        kind = self._children.pop(pid, None)
        if kind is None:
            return
        log.warning("%s (pid %d) ended with %d", kind.name, pid, os.waitstatus_to_exitcode(status))
        try:
            time.sleep(RESPAWN_PAUSE_S / 10 if os.WIFSIGNALED(status) else RESPAWN_PAUSE_S)
        except InterruptedError:
            return
        self._fork(kind)

    def _end_all(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._children:
                _kill(pid, number)
            deadline = time.monotonic() + GRACE_S
            while self._children and time.monotonic() < deadline:
                self._forget_ended()
                time.sleep(0.02)

    def _forget_ended(self) -> None:
        for pid in list(self._children):
            if os.waitpid(pid, os.WNOHANG)[0]:
                del self._children[pid]


def _child(kind: Kind) -> None:
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        die_with_parent()
        kind.run()
        code = 0
    except BaseException:
        log.exception("%s failed", kind.name)
    finally:
        os._exit(code)


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def main() -> None:
    """Run the kinds named on the command line."""
    from stratum.logs import configure

    configure("work")
    Master([parse(argument) for argument in sys.argv[1:]]).run()


if __name__ == "__main__":
    main()
