"""Ending old processes in whose places new ones are up: the router first, then what they have begun."""

from collections.abc import Iterable, Sequence

from runner import pace
from runner.apply import running
from runner.apply.parts import Parts
from runner.apply.stops import steps_of
from runner.engines.engine import Stopped
from runner.plan import WEB, Known, Process
from stratum import faults, queue
from stratum.model import App


def relieve(
    parts: Parts, app: App, relieved: Sequence[Known], up: Iterable[Process], left: Iterable[Known]
) -> list[Stopped]:
    """End some of the old processes; the router sends requests to what is up and to what is left.

    Raises:
        RouterUnavailable: it does not take it; nothing has ended then.
    """
    if any(one.target == WEB for one in relieved):
        new, old = [one.name for one in up if one.port], [one.name for one in left if one.target == WEB]
        parts.router.route(app, running.reached(parts, app, [*new, *old]))
    faults.reach("rollout.relieved")
    return end(parts, app, relieved)


def end(parts: Parts, app: App, old: Sequence[Known]) -> list[Stopped]:
    """Let processes without routes finish their requests, then stop them."""
    _drain(parts, app, old)
    return parts.engine.stop(app, [one.name for one in old], steps_of(parts, app, old))


def _drain(parts: Parts, app: App, old: Iterable[Known]) -> None:
    former = parts.engine.endpoints(app, [one.name for one in old])
    with queue.waiting():
        for _ in pace.looks(parts.instance.settings.drain_s if former else 0.0):
            if not any(parts.door.established(one.port) for one in former):
                return
