"""Supervisord's own loop, for which all apps are one group. Loaded into supervisord.

In every pass it asks each group for its pipes, sorts them, and has each look whether it should change its
state (4.3.0, `runforever`); a call over XML-RPC takes two passes and more. It runs here as it is, over the
groups that are not apps' and one that stands for these. Whatever else asks supervisord for groups finds
all of them where they were.
"""

import math
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from supervisor.process import ProcessGroupBase
from supervisor.supervisord import Supervisor

from runner.engines.supervisord.mirror import Mirror
from runner.engines.supervisord.process import AppProcess, restless
from runner.engines.supervisord.wakeup import Wakeup

_APPS = ""  # no group's name
_REAP_EVERY_S = 1.0
_MOST_REAPED = 100  # by supervisord at once


class Apps(ProcessGroupBase):  # type: ignore[misc]
    """The processes of all apps as one group, as far as the loop asks, with the file of their sections.

    Supervisord ends its groups one after the other, those of the highest priority first: so all apps end
    together, and before the services.
    """

    def __init__(self, processes: Mapping[str, AppProcess], mirror: Mirror) -> None:
        super().__init__(SimpleNamespace(name=_APPS, priority=math.inf, process_configs=()))
        self.processes = processes
        self._mirror = mirror

    def get_dispatchers(self) -> Mapping[int, Any]:
        """Have the loop poll none: the pipes are read elsewhere (`pipes.py`)."""
        return {}

    def transition(self) -> None:
        """Let time pass for those that wait for something."""
        for process in list(restless.values()):
            process.transition()
        self._mirror.look()

    def stop_all(self) -> None:
        """Tell them, in each pass until all have ended."""
        for process in self.processes.values():
            process.end()
            process.hurry()


class Groups(dict[str, Any]):
    """Supervisord's groups by name.

    Attributes:
        in_loop: those that its loop sees.
    """

    def __init__(self, groups: Mapping[str, Any], apps: Apps) -> None:
        super().__init__()
        self.in_loop: dict[str, Any] = {_APPS: apps}
        for name, group in groups.items():
            self[name] = group

    def __setitem__(self, name: str, group: Any) -> None:
        super().__setitem__(name, group)
        if not any(isinstance(process, AppProcess) for process in group.processes.values()):
            self.in_loop[name] = group

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self.in_loop.pop(name, None)
        restless.pop(name, None)


class Loop(Supervisor):  # type: ignore[misc]
    """Supervisord as its loop sees it."""

    def __init__(self, options: Any, groups: dict[str, Any], mirror: Mirror) -> None:
        super().__init__(options)
        self.process_groups = groups
        self._mirror = mirror
        self._reaps_at = 0.0

    def runforever(self) -> None:
        """Run until supervisord ends, or starts anew and reads the file."""
        try:
            super().runforever()
        finally:
            self._mirror.catch_up()

    def reap(self, once: bool = False, recursionguard: int = 0) -> None:
        """Take in children that have ended, where a signal has told of any, and every second.

        It is asked in each pass, and the kernel then goes through all children: 1 ms of 3,000.
        """
        now = time.monotonic()
        if not recursionguard and now < self._reaps_at:
            return
        self._reaps_at = now + _REAP_EVERY_S
        if recursionguard == _MOST_REAPED:
            self._reaps_at = 0.0
            Wakeup.soon(0)
        super().reap(once, recursionguard)

    def reap_now(self) -> None:
        """Take them in."""
        self._reaps_at = 0.0
        self.reap()


def install(supervisord: Any, processes: Mapping[str, AppProcess], mirror: Mirror) -> None:
    """Have supervisord, which is about to begin its loop, go through this one.

    Args:
        processes: of all apps, by name; looked at as they are at each time.
    """
    restless.clear()  # at SIGHUP supervisord starts anew in the same process
    groups = Groups(supervisord.process_groups, Apps(processes, mirror))
    supervisord.process_groups = groups
    loop = Loop(supervisord.options, groups.in_loop, mirror)
    supervisord.runforever, supervisord.reap = loop.runforever, loop.reap_now
