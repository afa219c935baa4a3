"""Which apps are not as they should be. Pure: from one look at everything, so quiet apps cost little."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from runner.plan import WEB, process_name, wished_slots
from stratum.model import App, Formation, Release
from stratum.supervisor import ProcessStatus


@dataclass(frozen=True, slots=True)
class Wished:
    """What the database says of one app.

    Attributes:
        release: the current one; None while nothing was ever live.
        busy: a rollout waits or is under way, which alone may change the app then.
        routed: how many processes the router sends requests to.
    """

    app: App
    release: Release | None
    formation: Formation
    busy: bool
    routed: int


@dataclass(frozen=True, slots=True)
class Actual:
    """What there is, of all apps.

    Attributes:
        statuses: sections by name.
        described: names of processes that have a description.
    """

    statuses: Mapping[str, ProcessStatus]
    described: Collection[str]


def deviating(wished: Iterable[Wished], actual: Actual) -> list[App]:
    """List the apps to look at closely; those whose turn a rollout is are left out."""
    by_app: dict[str, set[str]] = {}
    for name in actual.statuses:
        by_app.setdefault(_app_part(name), set()).add(name)
    return [
        one.app
        for one in wished
        if not one.busy and (one.app.destroying or _deviates(one, by_app.get(_label(one.app), set()), actual))
    ]


def orphaned(wished: Iterable[Wished], actual: Actual) -> list[str]:
    """Name sections of apps that do not exist any more."""
    known = {_label(one.app) for one in wished}
    return [name for name in actual.statuses if _app_part(name) not in known]


def _deviates(one: Wished, present: set[str], actual: Actual) -> bool:
    slots = wished_slots(one.release, one.formation) if one.release else []
    version = one.release.version if one.release else 0
    names = {process_name(one.app, version, slot) for slot in slots}
    return (
        names != present
        or any(actual.statuses[name].has_ended for name in names)
        or not names <= set(actual.described)
        or one.routed != sum(slot.target == WEB for slot in slots)
    )


def _label(app: App) -> str:
    return f"{app.environment.name}.{app.name}"


def _app_part(name: str) -> str:
    return name.rsplit(".", 3)[0]
