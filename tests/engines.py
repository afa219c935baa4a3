"""Any engine on a stage: what its contract is tried with (`tests/integration/test_engines*.py`).

A further engine joins by a line in ENGINES: how a stage is started whose processes it runs.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial

from runner.apply.wish import wish
from runner.engines.engine import Engine, Progress, Watched
from runner.plan import Process
from runner.wish import Wish
from stratum.model import RELEASE_PHASE, App, Formation, Slot, Strategy
from stratum.states import ProcessStatus
from tests.stage import ROOT, Stage, staged

ENGINES: dict[str, Callable[[], AbstractContextManager[Stage]]] = {
    "supervisord": partial(staged, stop_grace_s=1),
}
SLEEP = "exec sleep 1000"
DEAF = "trap '' TERM INT; echo deaf; while :; do sleep 1000; done"


@dataclass
class Side:
    """An app on a stage, and what is wished of it."""

    stage: Stage
    app: App

    @property
    def engine(self) -> Engine:
        return self.stage.parts.engine

    def wish(self, targets: dict[str, str], **scales: int) -> Wish:
        """Make a release, with all that the engine finds there."""
        release, _ = self.stage.release(self.app, targets)
        why = self.stage.parts.door.open_release(self.app.id, release.version, release.slug, {})
        assert why == ""
        return wish(self.stage.parts, self.app, release, Formation(scales or dict.fromkeys(targets, 1)))

    def once(self, command: str) -> Wish:
        """Make a release with nothing but a phase, which runs once."""
        made = self.wish({RELEASE_PHASE: command})
        assert made.release
        slot = Slot(RELEASE_PHASE, 1)
        name = f"MyProdEnv.{self.app.name}.v{made.release.version}.{RELEASE_PHASE}.1"
        process = Process(name, slot.target, slot.index, 0, command, Strategy.REPLACE, 0)
        return replace(made, processes=(process,))

    def start(self, wished: Wish) -> list[int]:
        """Have all of a wish run, and return the pids."""
        started = self.engine.apply(wished, wished.processes)
        assert [one.error for one in started] == [""] * len(wished.processes)
        assert [one.name for one in started] == names(wished)
        return [one.pid or 0 for one in started]

    def progress(self, watched: Watched) -> Progress:
        (now,) = self.engine.rollout([watched])
        return now

    def put(self, name: str) -> None:
        """Make a file that processes wait for as `SHARED/name`."""
        (self.stage.shared(self.app) / name).touch()

    def status(self, name: str) -> ProcessStatus:
        (found,) = self.engine.status([name])
        return found

    def pids(self) -> dict[str, int | None]:
        return {status.name: status.pid for status in self.engine.status(self.app)}

    def shared(self, name: str) -> list[str]:
        """The lines of a file that processes write as `SHARED/name`."""
        path = self.stage.shared(self.app) / name
        return path.read_text().splitlines() if path.exists() else []


@contextmanager
def side_on(stage: Stage, test: str) -> Iterator[Side]:
    """Make an app of its own for a test; nothing of it is left afterwards."""
    app = stage.app(f"e{abs(hash(test)) % 10**8}")
    folder = stage.shared(app)
    folder.mkdir()
    folder.chmod(0o777)
    ready = Side(stage, app)
    yield ready
    ready.engine.remove(app)
    assert ready.engine.status(app) == []


@contextmanager
def applier(side: Side, does: str) -> Iterator[None]:
    """Have a process of its own change an app, and kill it at the end."""
    code = (
        "from runner.apply.parts import Parts\n"
        "from runner.apply.wish import wish\n"
        "from stratum.model import Formation\n"
        "from stratum.store import environments, releases\n"
        "parts = Parts.open()\n"
        f"with parts.database.read() as tx: app = environments.get_app(tx, {side.app.id})\n"
    )
    env = {"PYTHONPATH": str(ROOT), **side.stage.instance.settings.environ()}
    with subprocess.Popen([sys.executable, "-c", code + does], env=env, cwd="/") as process:
        try:
            yield
        finally:
            process.kill()


def names(wished: Wish) -> list[str]:
    return [process.name for process in wished.processes]


def version(wished: Wish) -> str:
    assert wished.release
    return f"v{wished.release.version}"
