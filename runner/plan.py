"""Which processes an app should have, and what that changes.

Pure: reads values, touches nothing. `runner.apply` makes it true.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from stratum.keeping import settled, strategy_of, takes_turns
from stratum.model import (
    RELEASE_PHASE,
    App,
    Check,
    Formation,
    Release,
    Slot,
    Strategy,
    Target,
    TargetSettings,
)
from stratum.procfile import expand_unique_int

WEB = "web"


@dataclass(frozen=True, slots=True)
class Process:
    """One wished process, which the engine runs as one by itself.

    Attributes:
        unique_int: unique over all processes of the app, kept over releases.
        command: the Procfile line with `{{UNIQUE_INT}}` expanded, else untouched.
        port: what `$PORT` holds; 0 for all but web.
        checks: what it has to pass before it counts as up, beside what every process has to.
        max_surge: how many of its target may start beside old ones at once (`stratum.surge`).
        by_turns: it takes its place for itself, while others of its target serve.
    """

    name: str
    target: str
    index: int
    unique_int: int
    command: str
    strategy: Strategy
    port: int
    checks: tuple[Check, ...] = ()
    max_surge: str = ""
    by_turns: bool = False

    @property
    def slot(self) -> Slot:
        """Its place in the formation."""
        return Slot(self.target, self.index)

    @property
    def label(self) -> str:
        """`web.1`, as the person who pushes reads it."""
        return f"{self.target}.{self.index}"


@dataclass(frozen=True, slots=True)
class Known:
    """What the name of a process tells."""

    name: str
    version: int
    target: str
    index: int

    @property
    def slot(self) -> Slot:
        """Its place in the formation."""
        return Slot(self.target, self.index)

    @property
    def label(self) -> str:
        """`web.1`."""
        return f"{self.target}.{self.index}"


@dataclass(frozen=True, slots=True)
class Change:
    """From what runs to what is wished. `stop` has each target's highest index first."""

    keep: tuple[Process, ...]
    start: tuple[Process, ...]
    stop: tuple[Known, ...]


def prefix(app: App, release: Release) -> str:
    """How the names of a release's processes begin; a name of no other release, or app, does."""
    return f"{app.environment.name}.{release.app_name}.v{release.version}"


def process_name(app: App, release: Release, slot: Slot) -> str:
    """Name a process: `MyProdEnv.app02.v3.worker.1`."""
    return f"{prefix(app, release)}.{slot.target}.{slot.index}"


def known(name: str) -> Known:
    """Read a process's name."""
    _, version, target, index = name.rsplit(".", 3)
    return Known(name, int(version.removeprefix("v")), target, int(index))


def wished_slots(release: Release, formation: Formation) -> list[Slot]:
    """List the places to fill, in the Procfile's order.

    A target of the formation that the release's Procfile lacks gets none, and keeps its scale for
    the release that has it again.
    """
    return [
        Slot(target.name, index)
        for target in release.targets
        if target.name != RELEASE_PHASE
        for index in range(1, formation.scale(target.name) + 1)
    ]


def remembered_slots(formation: Formation, running: Collection[str]) -> list[Slot]:
    """List the places to which processes come back: of targets that are paused, or that no Procfile has now.

    Args:
        running: targets that have processes; what these have given up is not kept for them.
    """
    return [
        Slot(target, index)
        for target, scale in formation.scales.items()
        if target not in running
        for index in range(1, scale + 1)
    ]


def port_names(app: App, release: Release, formation: Formation) -> list[str]:
    """Name the processes that need a port."""
    slots = wished_slots(release, formation)
    return [process_name(app, release, slot) for slot in slots if slot.target == WEB]


def plan(
    app: App,
    release: Release,
    formation: Formation,
    unique_ints: Mapping[Slot, int],
    ports: Mapping[str, int],
) -> list[Process]:
    """List the processes that should run for one release, in the Procfile's order.

    Args:
        unique_ints: one for each wished slot; others may be there too.
        ports: process name → port, one for each of `port_names`.

    Source: one section per process, because a changed numprocs restarts the running ones
    (supervisor 4.3.0; tests/integration/test_runner_scale.py).
    """
    kept = {
        target.name: _Kept(target, settled(release, formation, target.name)) for target in release.targets
    }
    return [
        _process(process_name(app, release, slot), slot, kept[slot.target], unique_ints[slot], ports)
        for slot in wished_slots(release, formation)
    ]


def diff(wished: Sequence[Process], running: Collection[str]) -> Change:
    """Tell what to keep, start and stop; a process is itself by its name alone."""
    names = {process.name for process in wished}
    surplus = [known(name) for name in running if name not in names]
    return Change(
        keep=tuple(process for process in wished if process.name in running),
        start=tuple(process for process in wished if process.name not in running),
        stop=tuple(sorted(surplus, key=lambda one: (one.version, one.target, -one.index))),
    )


def stops_late(surplus: Known, wished: Iterable[Process]) -> bool:
    """Whether an old process goes on until the router has switched to the new ones.

    So does what overlaps, and every web process, unless one that must have its place for itself takes it.
    """
    few = list(wished)
    taken = {process.slot for process in few if process.strategy is Strategy.REPLACE}
    overlapping = {process.target for process in few if process.strategy is Strategy.OVERLAP}
    return surplus.target in {WEB, *overlapping} and surplus.slot not in taken


@dataclass(frozen=True, slots=True)
class _Kept:
    """A target, and how it is kept."""

    target: Target
    settings: TargetSettings


def _process(name: str, slot: Slot, kept: _Kept, unique_int: int, ports: Mapping[str, int]) -> Process:
    return Process(
        name=name,
        target=slot.target,
        index=slot.index,
        unique_int=unique_int,
        command=expand_unique_int(kept.target.command, unique_int),
        strategy=strategy_of(kept.target, kept.settings),
        port=ports[name] if slot.target == WEB else 0,
        checks=kept.settings.checks,
        max_surge=kept.settings.max_surge,
        by_turns=takes_turns(kept.target, kept.settings),
    )
