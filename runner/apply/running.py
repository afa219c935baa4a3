"""The sections of one app under supervisord: looking at them, starting and stopping them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from runner import pace
from runner.apply import descriptions
from runner.apply.parts import Parts
from runner.apply.wish import Wish
from runner.plan import Process
from stratum import queue
from stratum.door.client import Key
from stratum.errors import SupervisorUnavailable
from stratum.model import App
from stratum.ownership import is_alive
from stratum.stopping import Step, longest_s
from stratum.store import names as app_names
from stratum.supervisor import ProcessStatus, Started, Wanted

# Supervisord kills what is left after the grace; this long it may take to notice and to reap.
KILL_MARGIN_S = 15.0

Steps: TypeAlias = Mapping[str, Sequence[Step]]
NO_STEPS: Steps = {}


@dataclass(frozen=True, slots=True)
class Stopped:
    """How a process ended that was told to.

    Attributes:
        exit_status: negative for a signal; None when it had never run.
    """

    name: str
    exit_status: int | None
    seconds: float


def look(parts: Parts, app: App) -> dict[str, ProcessStatus]:
    """Return an app's sections by name, whatever their state; also those under a former name of it."""
    return {
        status.name: status for prefix in prefixes(parts, app) for status in parts.sections.status(prefix)
    }


def prefixes(parts: Parts, app: App) -> tuple[str, ...]:
    """How the names of an app's processes begin, and those of no other app."""
    with parts.database.read() as tx:
        names = app_names.names_of(tx, app.id)
    return tuple(f"{app.environment.name}.{name}.v" for name in names)


def living(statuses: Iterable[ProcessStatus]) -> set[str]:
    """Name those that run, or that supervisord will start again by itself."""
    return {status.name for status in statuses if not status.has_ended}


def start(parts: Parts, wish: Wish, processes: Sequence[Process]) -> list[Started]:
    """Start processes, with fresh descriptions; those that run keep their pids."""
    if not processes or wish.release is None:
        return []
    descriptions.write(wish, processes, parts.instance.layout)
    app, release = wish.app, wish.release
    return parts.sections.add(
        [
            Wanted(
                app.environment.name, release.app_name, app.id, release.version, process.target, process.index
            )
            for process in processes
        ]
    )


def stop(parts: Parts, app: App, names: Sequence[str], steps: Steps = NO_STEPS) -> list[Stopped]:
    """Stop processes together, wait until all that belongs to them has ended, and forget them.

    Args:
        steps: name → signals with the seconds after each; those of others are the usual ones.

    Raises:
        SupervisorUnavailable: some are there still, long after they should have been killed.
    """
    if not names:
        return []
    trees = {} if parts.instance.fence.fenced else _trees(parts, names)
    ended = end(parts, names, steps)
    # Fenced, the uid tells what has left its process group, and its session.
    parts.door.end_strays(app.id, sorted(living(look(parts, app).values())))
    for name, seen in trees.items():
        left = [(pid, began) for pid, began in seen if is_alive(f"{pid}:{began}")]
        if left:
            parts.door.end_tree(name, left)
    return ended


def end(parts: Parts, names: Sequence[str], steps: Steps = NO_STEPS) -> list[Stopped]:
    """Stop sections together, wait until all have ended, and forget them.

    Raises:
        SupervisorUnavailable: some are there still, long after they should have been killed.
    """
    if not names:
        return []
    parts.sections.stop(names, steps)
    grace_s = max([parts.instance.settings.stop_grace_s, *map(longest_s, steps.values())])
    with queue.waiting():
        ended = _await_ends(parts, names, grace_s + KILL_MARGIN_S)
    forget(parts, names)
    return ended


def forget(parts: Parts, names: Sequence[str]) -> None:
    """Remove sections of ended processes with their descriptions.

    Raises:
        SupervisorUnavailable: one has not ended.
    """
    refused = parts.sections.remove(names)
    if refused:
        message = f"supervisord keeps sections: {'; '.join(refused.values())}."
        raise SupervisorUnavailable(message)
    descriptions.remove(parts.instance.layout, names)


def _await_ends(parts: Parts, names: Sequence[str], limit_s: float) -> list[Stopped]:
    ended: dict[str, Stopped] = {}
    for waited_s in pace.looks(limit_s):
        known = {status.name: status for status in parts.sections.status(names)}
        for name in names:
            if name not in ended and (name not in known or known[name].has_ended):
                ended[name] = Stopped(name, _exit_status(known.get(name)), waited_s)
        if len(ended) == len(names):
            return [ended[name] for name in names]
    left = ", ".join(name for name in names if name not in ended)
    message = f"supervisord has not ended {left} after {limit_s:.0f} s."
    raise SupervisorUnavailable(message)


def _trees(parts: Parts, names: Sequence[str]) -> dict[str, list[Key]]:
    statuses = parts.sections.status(names)
    return {status.name: parts.door.tree(status.pid) for status in statuses if status.pid}


def _exit_status(status: ProcessStatus | None) -> int | None:
    return status.exit_status if status else None
