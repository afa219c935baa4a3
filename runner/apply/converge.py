"""Has an app run what is wished, without rollout and without waiting for anything to come up.

For what went away by itself, after a boot, and to take a failed rollout back. The caller holds the
app's lock.
"""

from dataclasses import dataclass

from runner.apply import folders, ports, running
from runner.apply.parts import Parts
from runner.apply.staying import with_older
from runner.apply.wish import wish
from runner.engines.engine import Started, Stopped
from runner.plan import Process, port_names, remembered_slots
from runner.strays import end_strays
from runner.wish import Wish
from stratum.model import App, Formation, Release
from stratum.states import State
from stratum.store import formation as formation_store
from stratum.store import releases


@dataclass(frozen=True, slots=True)
class Converged:
    """What it took.

    Attributes:
        kept: names of wished processes that ran already.
    """

    wish: Wish
    kept: tuple[str, ...]
    stopped: tuple[Stopped, ...]
    started: tuple[tuple[Process, Started], ...]

    @property
    def runs(self) -> bool:
        """Whether anything runs now, or is served."""
        started = any(started.pid for _, started in self.started)
        return bool(self.kept) or started or self.wish.site is not None


def converge(parts: Parts, app: App, release: Release | None, formation: Formation) -> Converged:
    """Stop what is not wished, then start what is and does not run. Routes are left alone."""
    robbed = _stop_robbed(parts, app)
    statuses = running.look(parts, app)
    wanted = port_names(app, release, formation) if release else []
    alive = running.living(statuses.values())
    if release and any(name not in alive for name in wanted):
        end_strays(parts, app)
        ports.exchange(parts, app.id, [name for name in wanted if name not in alive])
    goal = with_older(parts, wish(parts, app, release, formation), formation)
    names = {process.name for process in goal.processes}
    stopping = [name for name, status in statuses.items() if status.state is State.STOPPING]
    surplus = [name for name in statuses if name not in names]
    stopped = parts.engine.stop(app, sorted({*surplus, *stopping}, reverse=True))
    alive -= {one.name for one in stopped}
    if release is not None and not names <= alive:
        folders.open_folder(parts, app, release)
    # What runs and could not be started again is made whole: /dev/shm is emptied by some at a user's logout.
    whole = {name for name in alive if statuses[name].can_restart}
    lacking = [process for process in goal.processes if process.name not in whole]
    fared = zip(lacking, parts.engine.apply(goal, lacking), strict=True)
    started = tuple((process, one) for process, one in fared if process.name not in alive)
    kept = tuple(process.name for process in goal.processes if process.name in alive)
    return Converged(goal, kept, (*robbed, *stopped), started)


def _stop_robbed(parts: Parts, app: App) -> list[Stopped]:
    """Stop web processes on whose port another app listens; they get another, since that is not free."""
    with parts.database.read() as tx:
        given = formation_store.ports_of(tx, app.id)
    robbed = ports.robbed(parts, [(app.id, port) for port in given.values()])
    names = [name for name, port in given.items() if port in robbed] if robbed else []
    return parts.engine.stop(app, [name for name in names if name in running.look(parts, app)])


def clear(parts: Parts, goal: Wish) -> None:
    """Take back what those have left that are not wished: integers, ports, slugs, what the engine has."""
    app, names = goal.app, {process.name for process in goal.processes}
    with parts.database.read() as tx:
        surplus_ports = formation_store.ports_of(tx, app.id).keys() - names
        remembered = remembered_slots(formation_store.get_formation(tx, app.id), goal.targets())
        kept = {*remembered, *(one.slot for one in goal.processes)}
        surplus_slots = formation_store.unique_ints(tx, app.id).keys() - kept
        is_told = releases.staying(tx, app.id) == goal.staying()
    if surplus_ports or surplus_slots or not is_told:
        with parts.database.write() as tx:
            releases.set_staying(tx, app.id, goal.staying())
            formation_store.free_ports(tx, app.id, surplus_ports)
            formation_store.free_unique_ints(tx, app.id, kept)
    end_strays(parts, app)
