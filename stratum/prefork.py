"""One master that imports once and forks builders, appliers and the reconciler.

Forked from one import they share its pages (docs/performance.md). What else they can share a module
prepares in a function `warm`, which leaves no connection and no thread. The master does nothing
else: it starts what is named on its command line, starts again what ends, and ends all when it is
told to. `python -m stratum.prefork builder.worker:main=2 …`
"""

import gc
import importlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from stratum.door import prctl

log = logging.getLogger(__name__)

RESPAWN_PAUSE_S = 1.0
GRACE_S = 5.0
IDLE_S = 3600.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of child: what it runs, under which name, how many."""

    name: str
    run: Callable[[], None]
    count: int


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that forked it ends."""
    parent = os.getppid()
    prctl.die_with_parent()
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
    """Keeps the children running.

    Its signals are blocked and waited for in one place, so that none interrupts what is half done: a
    child that was forked and not yet noted would outlive the others.
    """

    def __init__(self, kinds: list[Kind]) -> None:
        self._kinds = kinds
        self._children: dict[int, Kind] = {}
        self._due: list[tuple[float, Kind]] = []

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; then end the children and return."""
        signal.signal(signal.SIGCHLD, lambda *_: None)  # an ignored signal is not waited for everywhere
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        gc.collect()
        gc.freeze()
        self._due = [(0.0, kind) for kind in self._kinds for _ in range(kind.count)]
        while self._goes_on():
            self._reap()
        self._end_all()

    def _goes_on(self) -> bool:
        """Fork what is due, and wait until something happens or more is due."""
        now = time.monotonic()
        late = [kind for at, kind in self._due if at <= now]
        self._due = [(at, kind) for at, kind in self._due if at > now]
        for kind in late:
            self._fork(kind)
        wait_s = min((at - now for at, _ in self._due), default=IDLE_S)
        told = signal.sigtimedwait(_SIGNALS, wait_s)
        return told is None or told.si_signo == signal.SIGCHLD

    def _fork(self, kind: Kind) -> None:
        pid = os.fork()
        if pid == 0:
            _child(kind)
        self._children[pid] = kind

    def _reap(self) -> None:
        """Plan the next start of each child that has ended; one signal may stand for several."""
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                kind = self._children.pop(pid)
                log.warning("%s (pid %d) ended with %d", kind.name, pid, os.waitstatus_to_exitcode(status))
                pause_s = RESPAWN_PAUSE_S / 10 if os.WIFSIGNALED(status) else RESPAWN_PAUSE_S
                self._due.append((time.monotonic() + pause_s, kind))

    def _end_all(self) -> None:
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
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
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
