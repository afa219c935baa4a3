"""Processes of apps and builds that should not be there any more: found, and ended.

A process is known by the mark in its environment, by whom it descends from, by its session, and by
what nothing can shed: fenced its uid, else the number that it was born with (`birthmark`). A program
may write over its own mark; what supervisord itself has started is therefore left to supervisord,
unless it carries the mark of one not wished.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from stratum.door import birthmark, ending, marks, proc
from stratum.fence import Fence
from stratum.layout import Layout

NO_LEADERS: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Stray:
    """One process that was found, and ended if that was asked for."""

    pid: int
    start: int
    name: str  # by its mark; empty when it carries none


@dataclass(frozen=True, slots=True)
class Look:
    """Processes as they were seen, with their marks."""

    processes: proc.Snapshot
    marks: Mapping[int, marks.Marks]

    def by_uid(self) -> "dict[int, Look]":
        """Part it by accounts."""
        found: dict[int, dict[int, proc.Process]] = {}
        for pid, process in self.processes.items():
            found.setdefault(process.uid, {})[pid] = process
        return {uid: Look(mine, {pid: self.marks[pid] for pid in mine}) for uid, mine in found.items()}


_NOTHING = Look({}, {})


class Strays:
    """Looks for strays of one instance."""

    def __init__(self, layout: Layout, fence: Fence) -> None:
        self._layout, self._fence = layout, fence

    def of_app(
        self, app_id: int, live: Collection[str], leaders: Mapping[str, int] = NO_LEADERS
    ) -> list[proc.Process]:
        """Find an app's processes that belong to none of the live names, or to an earlier life of one.

        Args:
            leaders: live name → pid that supervisord has started under it, where that is known.
        """
        return self._among(self._look(app_id), app_id, live, leaders)

    def apps_with(self, live: Mapping[int, Mapping[str, int]]) -> list[int]:
        """Tell of which apps `of_app` finds anything, by one look at all that there is.

        Args:
            live: app id → live names, each with the pid that supervisord has started under it, or 0.
        """
        looks = self._looks(live)
        return [app_id for app_id, names in live.items() if self._among(looks[app_id], app_id, names, names)]

    def _among(
        self, look: Look, app_id: int, live: Collection[str], leaders: Mapping[str, int]
    ) -> list[proc.Process]:
        processes, names = look.processes, self._names(look, app_id, live)
        unmarked = set(processes) - set(names) if self._fence.fenced else set()
        former = _of_former_lives(processes, names, leaders)
        kept = proc.family(
            processes,
            {pid for pid, name in names.items() if name in live and pid not in former}
            | (self._managed(processes) & unmarked),
        )
        dead = {pid for pid, name in names.items() if name not in live} | former
        more = unmarked if self._fence.fenced else proc.family(processes, dead)
        return [processes[pid] for pid in sorted(dead | (more - kept))]

    def of_process(self, name: str, seen: Collection[proc.Key] = ()) -> list[proc.Process]:
        """Find what carries a name or belongs to it, and what is left of a tree seen before."""
        look = self._look()
        processes = look.processes
        marked = {pid for pid, found in self._names(look).items() if found == name}
        before = {pid for pid, start in seen if pid in processes and processes[pid].start == start}
        return [processes[pid] for pid in sorted(proc.family(processes, marked | before))]

    def of_builds(self, app_id: int | None = None) -> list[proc.Process]:
        """Find what builds have left, those of one app or of all; our own forks carry no mark."""
        processes = self._snapshot()
        found = marks.read(self._layout, processes.values())
        prefix = f"{app_id}/" if app_id else ""
        marked = {pid for pid, mark in found.items() if mark.build and mark.build.startswith(prefix)}
        return [processes[pid] for pid in sorted(proc.family(processes, marked))]

    def all(self) -> list[proc.Process]:
        """Find every process of every app and build: there must be none while supervisord is down."""
        if self._fence.fenced:
            return list(self._snapshot().values())
        look = self._look()
        processes = look.processes
        born = birthmark.bearers(processes.values(), birthmark.number(self._layout.instance_id))
        marked = set(self._names(look)) | born
        found = {pid: processes[pid] for pid in sorted(proc.family(processes, marked))}
        found |= {process.pid: process for process in self.of_builds()}
        return list(found.values())

    def end(self, find: Callable[[], list[proc.Process]]) -> list[Stray]:
        """End what a search finds until it finds nothing."""
        names: dict[proc.Key, str] = {}

        def find_and_name() -> list[proc.Process]:
            found = find()
            for stray in self.describe(found):
                names.setdefault((stray.pid, stray.start), stray.name)
            return found

        return [Stray(*process.key, names[process.key]) for process in ending.end_found(find_and_name)]

    def end_of_app(
        self, app_id: int, live: Collection[str], leaders: Mapping[str, int] = NO_LEADERS
    ) -> list[Stray]:
        """End an app's strays; all of its uid in one blow where nothing of it may live."""
        if self._fence.fenced and not proc.may_exist(self._fence.app_uid(app_id)):
            return []
        ended = []
        if self._fence.fenced and not live and not self._managed(self._snapshot(app_id)):
            ended = self.describe(self.of_app(app_id, ()))
            ending.end_uid(self._fence.app_uid(app_id))
        ended += self.end(lambda: self.of_app(app_id, live, leaders))
        return list({(stray.pid, stray.start): stray for stray in reversed(ended)}.values())

    def describe(self, processes: list[proc.Process]) -> list[Stray]:
        """Name what was found."""
        found = marks.read(self._layout, processes)
        return [Stray(*one.key, found[one.pid].process) for one in processes]

    def _snapshot(self, app_id: int | None = None) -> dict[int, proc.Process]:
        """Look at what apps and builds run, or at one app's as far as the uid tells."""
        if app_id is None:
            return proc.snapshot(self._fence.in_apps_range)
        app_uid = self._fence.app_uid(app_id)
        return proc.snapshot(lambda uid: uid == app_uid)

    def _looks(self, app_ids: Iterable[int]) -> dict[int, Look]:
        """Look once at all that there is, and part it by apps as far as uids tell."""
        whole = self._look()
        if not self._fence.fenced:
            return dict.fromkeys(app_ids, whole)
        parted = whole.by_uid()
        return {app_id: parted.get(self._fence.app_uid(app_id), _NOTHING) for app_id in app_ids}

    def _look(self, app_id: int | None = None) -> Look:
        processes = self._snapshot(app_id)
        return Look(processes, marks.read(self._layout, processes.values()))

    def _names(self, look: Look, app_id: int | None = None, live: Collection[str] = ()) -> dict[int, str]:
        """Read the marks; of one app's processes only, if one is given."""
        # The launcher gave each the folder of its release as HOME.
        releases = str(self._layout.release(app_id, 1).parent) if app_id else ""
        of_app = {_app(name) for name in live}
        return {
            pid: found.process
            for pid, found in look.marks.items()
            if found.process
            and (
                not releases
                or self._fence.fenced
                or _app(found.process) in of_app
                or found.home.rpartition("/")[0] == releases
            )
        }

    def _managed(self, processes: proc.Snapshot) -> set[int]:
        """Find what supervisord has started itself."""
        try:
            daemon = int(self._layout.supervisord_pid.read_text())
        except (OSError, ValueError):
            return set()
        return {process.pid for process in processes.values() if process.parent == daemon}


def _of_former_lives(
    processes: proc.Snapshot, names: Mapping[int, str], leaders: Mapping[str, int]
) -> set[int]:
    """Find what a process has left that has ended since and was started anew, with all that came of it.

    It carries the name of a process that is younger, and all that is of the present life is as young.
    """
    older = {
        pid
        for pid, name in names.items()
        if (leader := processes.get(leaders.get(name, 0))) and processes[pid].start < leader.start
    }
    return proc.family(processes, older) - proc.family(processes, leaders.values())


def _app(name: str) -> str:
    """Take environment and app from a process's name."""
    environment, _, rest = name.partition(".")
    return f"{environment}.{rest.partition('.')[0]}"
