"""The processes of one app as they are."""

from collections.abc import Collection, Iterable

from runner.apply.parts import Parts
from stratum.model import App
from stratum.states import ProcessStatus, State


def look(parts: Parts, app: App) -> dict[str, ProcessStatus]:
    """Return an app's processes by name, whatever their state; also those under a former name of it."""
    return {status.name: status for status in parts.engine.status(app)}


def reached(parts: Parts, app: App, wished: Collection[str]) -> list[str]:
    """Name those of some processes that the router can send requests to."""
    return [one.process for one in parts.engine.endpoints(app, wished)]


def living(statuses: Iterable[ProcessStatus]) -> set[str]:
    """Name those that run, or that the engine will start again by itself."""
    return {status.name for status in statuses if not status.has_ended}


def lasting(statuses: Iterable[ProcessStatus]) -> set[str]:
    """Name those of the living that nobody has told to stop: an applier that was killed may have."""
    return {status.name for status in statuses if not status.has_ended and status.state is not State.STOPPING}
