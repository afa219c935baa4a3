"""Processes of apps and builds that should not be there any more: found, and ended.

A process is known by the mark in its environment, by whom it descends from, by its session, and,
fenced, by its uid, which nothing can shed. A program may write over its own mark; what supervisord
itself has started is therefore left to supervisord, unless it carries the mark of one not wished.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from stratum.door import ending, marks, proc
from stratum.fence import Fence
from stratum.layout import Layout


@dataclass(frozen=True, slots=True)
class Stray:
    """One process that was found, and ended if that was asked for."""

    pid: int
    start: int
    name: str  # by its mark; empty when it carries none


class Strays:
    """Looks for strays of one instance."""

    def __init__(self, layout: Layout, fence: Fence) -> None:
        self._layout, self._fence = layout, fence

    def of_app(self, app_id: int, live: Collection[str]) -> list[proc.Process]:
        """Find an app's processes that belong to none of the live names."""
        processes = proc.snapshot()
        names = {pid: self._name(process) for pid, process in processes.items()}
        candidates = {pid for pid in processes if self._may_be_of(app_id, processes[pid], names[pid], live)}
        known = {pid for pid in candidates if names[pid]}
        managed = self._managed(processes) & candidates
        kept = proc.family(processes, {pid for pid in known if names[pid] in live} | (managed - known))
        dead = {pid for pid in known if names[pid] not in live}
        if self._fence.fenced:
            dead |= candidates - kept
        else:
            dead |= proc.family(processes, dead) - kept
        return [processes[pid] for pid in sorted(dead)]

    def of_instance(self, live: Collection[str]) -> list[proc.Process]:
        """Find marked processes of any app that belong to none of the live names."""
        processes = proc.snapshot()
        named = {pid: self._name(process) for pid, process in processes.items()}
        dead = {pid for pid, name in named.items() if name and name not in live}
        kept = proc.family(processes, {pid for pid, name in named.items() if name in live})
        return [processes[pid] for pid in sorted(dead | (proc.family(processes, dead) - kept))]

    def of_process(self, name: str, seen: Collection[proc.Key] = ()) -> list[proc.Process]:
        """Find what carries a name or belongs to it, and what is left of a tree seen before."""
        processes = proc.snapshot()
        marked = {pid for pid, process in processes.items() if self._name(process) == name}
        before = {pid for pid, start in seen if pid in processes and processes[pid].start == start}
        found = proc.family(processes, marked | before)
        return [processes[pid] for pid in sorted(found) if self._is_apps(processes[pid])]

    def of_builds(self, app_id: int | None = None) -> list[proc.Process]:
        """Find what builds have left, those of one app or of all; our own forks carry no mark."""
        processes = proc.snapshot()
        prefix = f"{app_id}/" if app_id else ""
        marked = set()
        for pid, process in processes.items():
            name = marks.build_name(self._layout, pid) if self._is_apps(process) else ""
            if name and name.startswith(prefix):
                marked.add(pid)
        found = proc.family(processes, marked)
        return [processes[pid] for pid in sorted(found) if self._is_apps(processes[pid])]

    def all(self) -> list[proc.Process]:
        """Find every process of every app and build: there must be none while supervisord is down."""
        if self._fence.fenced:
            return [process for process in proc.snapshot().values() if self._is_apps(process)]
        found = {process.pid: process for process in (*self.of_instance(()), *self.of_builds())}
        return list(found.values())

    def end(self, find: Callable[[], list[proc.Process]]) -> list[Stray]:
        """End what a search finds until it finds nothing."""
        names: dict[proc.Key, str] = {}

        def find_and_name() -> list[proc.Process]:
            found = find()
            for process in found:
                names.setdefault(process.key, self._name(process))
            return found

        return [Stray(*process.key, names[process.key]) for process in ending.end_found(find_and_name)]

    def describe(self, processes: list[proc.Process]) -> list[Stray]:
        """Name what was found."""
        return [Stray(*process.key, self._name(process)) for process in processes]

    def _is_apps(self, process: proc.Process) -> bool:
        return self._fence.in_apps_range(process.uid)

    def _name(self, process: proc.Process) -> str:
        """Read the mark; only that of a process whose uid an app may have counts."""
        return marks.process_name(self._layout, process.pid) if self._is_apps(process) else ""

    def _may_be_of(self, app_id: int, process: proc.Process, name: str, live: Collection[str]) -> bool:
        if self._fence.fenced:
            return process.uid == self._fence.app_uid(app_id)
        if not name:
            return False
        same_app = {tuple(other.split(".")[:2]) for other in live}
        return tuple(name.split(".")[:2]) in same_app or marks.of_app(self._layout, process.pid, app_id)

    def _managed(self, processes: proc.Snapshot) -> set[int]:
        """Find what supervisord has started itself."""
        try:
            daemon = int(self._layout.supervisord_pid.read_text())
        except (OSError, ValueError):
            return set()
        return {process.pid for process in processes.values() if process.parent == daemon}
