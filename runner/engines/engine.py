"""What an engine does, which runs the apps' processes, and the values that it takes and gives.

Appliers and the reconciler know no other way to a process. Order, routes and taking back are theirs
(`runner.apply`), the same whatever runs the processes: an engine starts, stops and tells. What each method
promises is held by tests/integration/test_engines*.py, which any engine has to pass.
"""

import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeAlias

from runner.plan import Process
from runner.wish import Wish
from stratum.model import App
from stratum.states import ProcessStatus
from stratum.stopping import Step

Steps: TypeAlias = Mapping[str, Sequence[Step]]
NO_STEPS: Steps = {}


@dataclass(frozen=True, slots=True)
class Started:
    """How one process of an `apply` fared: it runs as `pid`, or did not start for `error`."""

    name: str
    pid: int | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Watched:
    """A process that is to come up, as this pid and no other.

    Attributes:
        is_up: it was seen to have; only whether it still runs is asked.
        since: when it was started, as nearly as is known.
        watched_at_s: when it was known to run, by the clock that nobody sets (`time.monotonic`).
    """

    process: Process
    pid: int
    is_up: bool = False
    since: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)
    watched_at_s: float = field(default_factory=time.monotonic, compare=False)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a process has come on its way up: it is on it, done, or stuck.

    Attributes:
        age_s: since its start.
        due_s: until there may be news, where the engine knows.
        stuck: why it cannot come up any more, without a full stop; empty while it can.
        exit_status: of one that is stuck because it has ended.
    """

    age_s: float
    is_done: bool = False
    due_s: float = math.inf
    stuck: str = ""
    exit_status: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a process is reached that requests are sent to."""

    process: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """How a process ended that was told to.

    Attributes:
        exit_status: negative for a signal; None when it did not run when it was told to.
    """

    name: str
    exit_status: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended that was run once.

    Attributes:
        exit_status: None when it took longer than it was given.
        output: the last of what it printed.
    """

    exit_status: int | None
    output: str


class Engine(Protocol):
    """Runs processes that outlive whoever has asked for them, and starts again what ends by itself.

    Every method may be called again, from the start, by another applier than the one that was killed in it.
    The caller holds the app's lock wherever an app is changed.

    Raises:
        Unavailable: (all methods) the engine does not answer, or cannot do it; to be tried again.
    """

    def apply(self, wish: Wish, processes: Sequence[Process]) -> list[Started]:
        """Have processes of a wish run, and tell how each fared, in order.

        What runs already keeps its pid, and what cannot be started stops no other. No more than these are
        started, and nothing is stopped: in which order a wish comes true is the caller's business. The target
        `release` runs once: how it ended is told until it is stopped, and nobody starts it again.
        """

    def status(self, wanted: App | Sequence[str] | None = None) -> list[ProcessStatus]:
        """Tell how processes are.

        Args:
            wanted: those of an app, under whatever name it had; of names those that are known; None: all.
        """

    def mark(self) -> str:
        """Return a word that is another one once `status` of all is, but for what time alone changes in it.

        That is how many crashes there were, which are forgotten after a while. It costs the same however
        many processes there are.
        """

    def rollout(self, watched: Sequence[Watched], *, glance: bool = False) -> list[Progress]:
        """Tell how far processes have come that were started, in order.

        One with a port is done when it itself listens there, any other when it has lived for a moment.

        Args:
            glance: what cannot be done yet may be told without a closer look, if that is much cheaper; that
                it is stuck may go unseen then.
        """

    def endpoints(self, app: App, names: Collection[str]) -> list[Endpoint]:
        """Tell where some of an app's processes are reached; those without an address are left out."""

    def logs(self, app: App, name: str) -> Path:
        """Return where the output of a process stands, byte for byte, as long as it is kept.

        The file is there before the process is, and is read by the web process as well
        (`Layout.process_log`): rotated or cleared, never changed.
        """

    def run(self, wish: Wish, process: Process, command: Sequence[str], timeout_s: int) -> Ran:
        """Run a program once beside a process, as that would run it, and wait for its end.

        Nothing of one that takes longer is left.
        """

    def stop(self, app: App | None, names: Sequence[str], steps: Steps = NO_STEPS) -> list[Stopped]:
        """Stop processes together, wait until all that belongs to them has ended, and forget them.

        Args:
            app: whose they are; None: of one that is no more.
            steps: name → signals with the seconds after each; those of others are the usual ones.
        """

    def untidy(self, apps: Sequence[App]) -> list[App]:
        """Tell which of some apps have something for `sweep`: one look, however many they are."""

    def sweep(self, app: App) -> list[str]:
        """End and remove what belongs to none of an app's processes, or to a life of one that is over.

        Returns:
            What was ended, each as a person may read it: `pid 77 of MyProdEnv.app02.v1.web.1`.
        """

    def remove(self, app: App) -> None:
        """Stop and forget all of an app, and leave nothing of it."""
