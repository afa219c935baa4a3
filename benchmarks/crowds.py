"""A Stratum with many programs: one app to measure, and a crowd of others beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks import instances
from benchmarks.errors import require
from benchmarks.starts import Start, Starts, starting
from stratum.client.app import RemoteApp
from stratum.client.http import Row
from tests.served import Served

ENVIRONMENT = "MyProdEnv"
APP = "bench"
TARGET = "worker"
OTHERS = 9
_MANY = "5000"


@dataclass
class Crowd:
    """An instance whose processes tell when they start.

    Attributes:
        app: the one to measure, with one process at rest.
        programs: how many run now, all of them.
    """

    served: Served
    starts: Starts
    app: RemoteApp
    programs: int = 1
    _others: list[RemoteApp] = field(default_factory=list)

    def grow(self, programs: int) -> list[Start]:
        """Have so many run, spread over the other apps; return the new ones."""
        before = self.programs
        while len(self._others) < min(OTHERS, programs - 1):
            self._others.append(_pushed(self.served, self.starts, f"other{len(self._others)}"))
        changes = []
        for number, app in enumerate(self._others):
            share = len(range(number, programs - 1, len(self._others)))
            changes.append((app, app.scale({TARGET: share})))
        self.programs = programs
        new = self.starts.next_ones(programs - before)
        for app, change in changes:
            _ended(app, change)
        return new

    def scale_by_command(self, scale: str) -> None:
        """Wish a scale by the command line; return when it says that it is so."""
        self.served.stratum("scale", f"{TARGET}={scale}", cwd=self.served.folder / f"repo-{APP}")

    def settle(self, change: Row) -> None:
        """Wait until a rollout of the app to measure has ended."""
        _ended(self.app, change)


@contextmanager
def crowd(programs: int, **settings: str) -> Iterator[Crowd]:
    """Start an instance with so many programs."""
    many = {"STRATUM_MAX_SCALE": _MANY, "STRATUM_MAX_PROCESSES_PER_APP": _MANY, "STRATUM_STOP_GRACE_S": "3"}
    with instances.fresh(**many, **settings) as served, starting() as starts:
        found = Crowd(served, starts, _pushed(served, starts, APP))
        found.settle(found.app.scale({TARGET: 1}))
        starts.next()
        found.grow(programs)
        yield found


def _pushed(served: Served, starts: Starts, name: str) -> RemoteApp:
    repo = served.app(name, {"Procfile": f"{TARGET}: {starts.program}\n"})
    served.push(repo)
    return served.remote.app(ENVIRONMENT, name)


def _ended(app: RemoteApp, change: Row) -> None:
    if change["rollout"] is not None:
        found = app.rollout(change["rollout"], until="ended")
        require(found["status"] == "succeeded", "the rollout succeeds", str(found["error"]))
