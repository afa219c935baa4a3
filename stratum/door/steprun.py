"""Run one step of a build, and leave nothing of it behind.

Works in a process of its own (the server's handler, or a fork of the builder when unfenced), which
adopts whatever the step sets loose. Fenced, the uid's processes are killed as well, before and after.
"""

import os
import select
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from stratum.door import ending, folders, marks, prctl, spawn, steps, turns
from stratum.fence import Fence
from stratum.layout import Layout


@dataclass(frozen=True, slots=True)
class Order:
    """A step as asked for; `env` is the caller's and arrives whole."""

    app_id: int
    number: int
    step: str
    env: dict[str, str]
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Ending:
    """How a step ended: its exit code, or None when its time was over or the caller left."""

    exit_code: int | None
    caller_left: bool = False


class StepRun:
    """The road of one order through this process; used once."""

    def __init__(self, layout: Layout, fence: Fence, order: Order) -> None:
        self._layout, self._fence, self._order = layout, fence, order
        self._uid = fence.build_uid(order.app_id) if fence.fenced else None

    def run(self, fds: tuple[int, int, int], caller: socket.socket) -> Ending:
        """Run the step until it ends, its time is over, or the caller closes its connection.

        Args:
            fds: the step's standard input, output and error; closed here once it has them.
        """
        prctl.adopt_orphans()
        # The handler of a killed builder would else end the step of the next attempt: both have one uid.
        with turns.turn(self._layout.build(self._order.app_id, 0).parent, caller) as is_wanted:
            if not is_wanted:
                return Ending(None, caller_left=True)
            self._clear()
            pid = spawn.start(self._program(), fds)
            for fd in set(fds):
                os.close(fd)
            try:
                return _await_end(pid, caller, self._order.timeout_s)
            finally:
                self._clear()

    def _program(self) -> spawn.Program:
        order = self._order
        step = steps.step(order.step)
        scratch = folders.Folders(self._layout, self._fence).scratch(order.app_id, order.number)
        env = {"PATH": steps.SYSTEM_PATH, **order.env, **step.env, **self._own_env(scratch)}
        return spawn.Program(step.argv, env, scratch / "source", self._uid)

    def _own_env(self, scratch: Path) -> dict[str, str]:
        return {
            "HOME": str(scratch / "home"),
            "TMPDIR": str(scratch / "tmp"),
            "UV_CACHE_DIR": str(self._layout.cache(self._order.app_id)),
            marks.BUILD: marks.build(self._layout, self._order.app_id, self._order.number),
        }

    def _clear(self) -> None:
        if self._uid is not None:
            ending.end_uid(self._uid)
        ending.end_descendants()


def _await_end(pid: int, caller: socket.socket, timeout_s: float) -> Ending:
    deadline = time.monotonic() + timeout_s
    handle = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.register(caller, select.POLLIN)
        left_ms = max(0, int((deadline - time.monotonic()) * 1000))
        ready = {fd for fd, _ in poll.poll(left_ms)}
    finally:
        os.close(handle)
    if handle in ready:
        return Ending(spawn.exit_code(os.waitpid(pid, 0)[1]))
    return Ending(None, caller_left=bool(ready))
