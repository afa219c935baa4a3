"""Run one step of a build, and leave nothing of it behind.

Works in a process of its own (the server's handler, or a fork of the builder when unfenced), which
adopts whatever the step sets loose. Fenced, the uid's processes are killed as well, before and after.
"""

import os
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from stratum.door import awaiting, birthmark, ending, folders, marks, prctl, spawn, steps, turns
from stratum.door.awaiting import Ending
from stratum.door.fencing import inside, network
from stratum.door.fencing.fences import NETWORK, PROCESSES, VIEW
from stratum.door.fencing.inside import Cell
from stratum.door.limits.watch import Watch
from stratum.door.terms import Terms
from stratum.door.wayout.process import WayOut
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


class StepRun:
    """The road of one order through this process; used once."""

    def __init__(self, layout: Layout, fence: Fence, terms: Terms, order: Order) -> None:
        self._layout, self._fence, self._terms, self._order = layout, fence, terms, order
        self._uid = fence.build_uid(order.app_id) if fence.fenced else None
        self._deadline = time.monotonic() + order.timeout_s

    def run(self, fds: tuple[int, int, int], caller: socket.socket) -> Ending:
        """Run the step until it ends, its time is over, or the caller closes its connection.

        Args:
            fds: the step's standard input, output and error; closed here once it has them.
        """
        prctl.adopt_orphans()
        # The handler of a killed builder would else end the step of the next attempt: both have one uid.
        folder, limit_s = self._layout.build(self._order.app_id, 0).parent, self._order.timeout_s
        with ExitStack() as held:
            try:
                is_wanted = held.enter_context(turns.turn(folder, caller, limit_s))
            except TimeoutError:
                return Ending(None)
            if not is_wanted:
                return Ending(None, caller_left=True)
            self._clear()
            return self._watch(fds, caller)

    def _watch(self, fds: tuple[int, int, int], caller: socket.socket) -> Ending:
        scratch = folders.Folders(self._layout, self._fence).scratch(self._order.app_id, self._order.number)
        own = (scratch, self._layout.cache(self._order.app_id))
        terms = self._terms
        cell = Cell(terms.fences, terms.view(self._layout, own))
        with ExitStack() as begun:
            begun.callback(self._end)  # whatever could not be opened for it
            started = inside.start(self._program(scratch), fds, cell)
            begun.callback(started.close)
            way_out = WayOut(started.listener, terms.rules, fds[2], self._way_out_uid())
            begun.callback(way_out.close)
            watch = Watch(terms.limits, started, own)
            begun.callback(watch.close)
            for fd in {fds[0], fds[1]} - {fds[2]}:
                os.close(fd)
            ended = awaiting.end(started.pid, caller, (way_out, watch), self._deadline - time.monotonic())
        over = watch.look_at_end() if ended.exit_code == 0 else ""
        return Ending(None, over=over) if over else ended

    def _program(self, scratch: Path) -> spawn.Program:
        order = self._order
        step = steps.step(order.step)
        env = {"PATH": steps.SYSTEM_PATH, **order.env, **step.env, **self._own_env(scratch)}
        return spawn.Program(
            step.argv,
            env,
            scratch / "source",
            self._uid,
            self._terms.rlimits(),
            goes_first=True,
            refused=self._terms.refused(),
            birthmark=birthmark.number(self._layout.instance_id),
        )

    def _own_env(self, scratch: Path) -> dict[str, str]:
        standing = self._terms.fences.standing
        proxies = network.environ() if NETWORK in standing else {}
        shared = {} if VIEW in standing else {steps.SHARED: "1"}
        return {
            **proxies,
            **shared,
            "HOME": str(scratch / "home"),
            "TMPDIR": str(scratch / "tmp"),
            "UV_CACHE_DIR": str(self._layout.cache(self._order.app_id)),
            marks.BUILD: marks.build(self._layout, self._order.app_id, self._order.number),
        }

    def _way_out_uid(self) -> int | None:
        return self._fence.way_out_uid if self._fence.fenced else None

    def _end(self) -> None:
        if PROCESSES in self._terms.fences.standing:
            ending.end_descendants()  # whatever else is in there ends with the first of them
        else:
            self._clear()

    def _clear(self) -> None:
        if self._uid is not None:
            ending.end_uid(self._uid)
        ending.end_descendants()
