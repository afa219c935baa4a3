"""The engine of one machine: each process is a section of supervisord, which starts our launcher."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Protocol, Self

from runner.engines.engine import NO_STEPS, Endpoint, Progress, Ran, Started, Steps, Stopped, Watched
from runner.engines.supervisord import descriptions
from runner.engines.supervisord.ends import end, named
from runner.engines.supervisord.glance import are_silent, on_its_way
from runner.engines.supervisord.progress import progress
from runner.engines.supervisord.rpc import Sections, Wanted
from runner.plan import Process
from runner.wish import Wish
from stratum.door.client import Key, Stray
from stratum.instance import Instance
from stratum.model import App
from stratum.ownership import is_alive
from stratum.processes import prefixes
from stratum.states import ProcessStatus
from stratum.store import Database
from stratum.store import formation as formation_store
from stratum.store import names as app_names

LOOPBACK = "127.0.0.1"
_FEW = 16  # files to look for one by one: the folder may have thousands
_NUMBERS = count(1)  # of what this process runs once; who changes an app is one process


class Keeper(Protocol):
    """What only root can see or do of processes (`stratum.door.client.Door`)."""

    def listeners(self, pid: int, port: int) -> bool:
        """Whether a process's own tree listens on a port."""

    def check(self, app_id: int, process: str, timeout_s: int) -> tuple[int | None, str]:
        """Run the command of a description once, as its app; return exit code, if any, and output."""

    def apps_with_strays(self, live: Mapping[int, Mapping[str, int]]) -> list[int]:
        """Tell for which apps that would end something."""

    def end_strays(
        self, app_id: int, live: Collection[str], leaders: Mapping[str, int] | None = None
    ) -> list[Stray]:
        """End an app's processes that belong to none of the live names, or to an earlier life; tell which."""

    def tree(self, pid: int) -> list[Key]:
        """List a process, its tree and its session."""

    def end_tree(self, name: str, seen: Sequence[Key] = ()) -> object:
        """End what carries a process's name, or belongs to what does."""


@dataclass(frozen=True, slots=True)
class Supervisord:
    """supervisord with our plugin, as `runner.engines.engine.Engine` says."""

    instance: Instance
    database: Database
    sections: Sections
    door: Keeper

    @classmethod
    def of(cls, instance: Instance, database: Database, door: Keeper) -> Self:
        """Take that of an instance."""
        return cls(instance, database, Sections(instance.layout.supervisord_socket), door)

    def apply(self, wish: Wish, processes: Sequence[Process]) -> list[Started]:
        """Add sections, each with a fresh description."""
        if not processes or wish.release is None:
            return []
        descriptions.write(wish, processes, self.instance.layout)
        app, release = wish.app, wish.release
        owner = app.environment.name, release.app_name, app.id, release.version
        return self.sections.add([Wanted(*owner, process.target, process.index) for process in processes])

    def status(self, wanted: App | Sequence[str] | None = None) -> list[ProcessStatus]:
        """Ask supervisord, and look for the descriptions."""
        layout = self.instance.layout
        if wanted is None:
            found = self.sections.status()
        else:
            found = self._sections_of(wanted) if isinstance(wanted, App) else self.sections.status(wanted)
        if wanted is None or len(found) > _FEW:
            there = descriptions.present(layout)
        else:
            there = {one.name for one in found if descriptions.has(layout, one.name)}
        return [one if one.name in there else replace(one, can_restart=False) for one in found]

    def mark(self) -> str:
        """Ask supervisord, and the folder of descriptions."""
        return f"{self.sections.mark()} {descriptions.changed_at_ns(self.instance.layout)}"

    def rollout(self, watched: Sequence[Watched], *, glance: bool = False) -> list[Progress]:
        """Ask supervisord, and of those that are to listen the door; at a glance the kernel alone."""
        if glance and are_silent(watched):
            return [on_its_way(one) for one in watched]
        known = {one.name: one for one in self.sections.status([one.process.name for one in watched])}
        listens, alive_after_s = self.door.listeners, self.instance.settings.alive_after_s
        return [progress(one, known.get(one.process.name), listens, alive_after_s) for one in watched]

    def endpoints(self, app: App, names: Collection[str]) -> list[Endpoint]:
        """Read the ports of this machine that they were given."""
        with self.database.read() as tx:
            ports = formation_store.ports_of(tx, app.id)
        return [Endpoint(name, LOOPBACK, ports[name]) for name in names if name in ports]

    def logs(self, app: App, name: str) -> Path:
        """Return what supervisord writes, which owns the pipe."""
        return self.instance.layout.process_log(app.id, name)

    def run(self, wish: Wish, process: Process, command: Sequence[str], timeout_s: int) -> Ran:
        """Have the door start the launcher once, with a description of its own."""
        layout = self.instance.layout
        name = f"{process.name}-run-{next(_NUMBERS)}"
        descriptions.write_once(wish, process, name, shlex.join(command), layout)
        try:
            return Ran(*self.door.check(wish.app.id, name, timeout_s))
        finally:
            descriptions.remove(layout, [name])

    def stop(self, app: App | None, names: Sequence[str], steps: Steps = NO_STEPS) -> list[Stopped]:
        """Stop sections, then what has left their process groups.

        Fenced, the uid tells what is the app's. Unfenced, what has shed its mark is known from before.
        """
        if not names:
            return []
        trees = self._trees(names) if app is not None and not self.instance.fence.fenced else {}
        ended = end(self.sections, names, steps, self.instance.settings.stop_grace_s)
        descriptions.remove(self.instance.layout, names)
        if app is not None:
            self.sweep(app)
        for name, seen in trees.items():
            left = [(pid, began) for pid, began in seen if is_alive(f"{pid}:{began}")]
            if left:
                self.door.end_tree(name, left)
        return ended

    def untidy(self, apps: Sequence[App]) -> list[App]:
        """Ask supervisord, the folder of descriptions and the door once each."""
        with self.database.read() as tx:
            names = app_names.all_names(tx)
        owners = {begin: app.id for app in apps for begin in prefixes(app, names.get(app.id, ()))}
        there = self.sections.status()
        live: dict[int, dict[str, int]] = {app.id: {} for app in apps}
        for one in there:
            owner = owners.get(_begin(one.name))
            if owner is not None and not one.has_ended:
                live[owner][one.name] = one.pid or 0
        left = descriptions.present(self.instance.layout) - {one.name for one in there}
        found = {owners.get(_begin(name)) for name in left} | set(self.door.apps_with_strays(live))
        return [app for app in apps if app.id in found]

    def sweep(self, app: App) -> list[str]:
        """End strays, and remove descriptions without a section."""
        there = self._sections_of(app)
        living = {status.name: status.pid for status in there if not status.has_ended}
        leaders = {name: pid for name, pid in living.items() if pid}
        ended = self.door.end_strays(app.id, sorted(living), leaders)
        known = {status.name for status in there}
        begins = tuple(self._begins(app))
        left = descriptions.present(self.instance.layout) - known
        descriptions.remove(self.instance.layout, [name for name in left if name.startswith(begins)])
        return named(ended)

    def remove(self, app: App) -> None:
        """Stop all sections, the highest names first, and sweep even where there were none."""
        self.stop(app, sorted((status.name for status in self.status(app)), reverse=True))
        self.sweep(app)

    def _sections_of(self, app: App) -> list[ProcessStatus]:
        return [status for begin in self._begins(app) for status in self.sections.status(begin)]

    def _begins(self, app: App) -> list[str]:
        with self.database.read() as tx:
            return prefixes(app, app_names.names_of(tx, app.id))

    def _trees(self, names: Sequence[str]) -> dict[str, list[Key]]:
        statuses = self.sections.status(names)
        return {status.name: self.door.tree(status.pid) for status in statuses if status.pid}


def _begin(name: str) -> str:
    """What the names of an app's processes begin with, as `prefixes` has it."""
    return f"{name.rsplit('.', 3)[0]}.v"
