"""Which apps are not as they should be. Pure: from one look at everything, so quiet apps cost little."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from runner.plan import WEB, process_name, wished_slots
from stratum.model import App, Formation, Release, Slot
from stratum.states import ProcessStatus
from stratum.staying import in_place, staying

Statuses: TypeAlias = Mapping[str, ProcessStatus]


@dataclass(frozen=True, slots=True)
class Wished:
    """What the database says of one app.

    Attributes:
        names: what the app is and was called; what runs under one of them is its own.
        release: the current one; None while nothing was ever live.
        busy: a rollout waits or is under way, which alone may change the app then.
        routed: how many processes the router sends requests to.
        served: version of the release whose site it answers with in their place; 0 for none.
    """

    app: App
    names: Collection[str]
    release: Release | None
    formation: Formation
    busy: bool
    routed: int
    served: int = 0


def deviating(wished: Iterable[Wished], actual: Statuses) -> list[App]:
    """List the apps to look at closely; those whose turn a rollout is are left out.

    Args:
        actual: all processes that there are, by name.
    """
    by_app: dict[str, set[str]] = {}
    for name in actual:
        by_app.setdefault(_app_part(name), set()).add(name)
    return [
        one.app
        for one in wished
        if not one.busy and (one.app.destroying or _deviates(one, _present(one, by_app), actual))
    ]


def owners(wished: Iterable[Wished]) -> dict[str, int]:
    """How the names of processes begin, `<env>.<app>` → id of the app they belong to."""
    return {label: one.app.id for one in wished for label in _labels(one)}


def apps_of(names: Collection[str], wished: Iterable[Wished]) -> list[App]:
    """List the apps that processes belong to."""
    labels = {_app_part(name) for name in names}
    return [one.app for one in wished if labels.intersection(_labels(one))] if labels else []


def orphaned(wished: Iterable[Wished], actual: Statuses) -> list[str]:
    """Name processes of apps that do not exist any more."""
    known = {label for one in wished for label in _labels(one)}
    return [name for name in actual if _app_part(name) not in known]


def _deviates(one: Wished, present: set[str], actual: Statuses) -> bool:
    slots = wished_slots(one.release, one.formation) if one.release else []
    names = _names(one, slots, present, actual) if one.release else set()
    return (
        names != present
        or any(actual[name].has_ended or not actual[name].can_restart for name in names)
        or one.routed != sum(slot.target == WEB for slot in slots)
        or one.served != (one.release.version if one.release and one.release.has_site else 0)
    )


def _names(one: Wished, slots: list[Slot], present: set[str], actual: Statuses) -> set[str]:
    assert one.release is not None
    own = [process_name(one.app, one.release, slot) for slot in slots]
    targets = staying(one.release, one.formation)
    if not targets:
        return set(own)
    there = {name for name in present if not actual[name].has_ended and actual[name].can_restart}
    return set(in_place(own, there, targets))


def _present(one: Wished, by_app: Mapping[str, set[str]]) -> set[str]:
    return {name for label in _labels(one) for name in by_app.get(label, ())}


def _labels(one: Wished) -> list[str]:
    return [f"{one.app.environment.name}.{name}" for name in one.names]


def _app_part(name: str) -> str:
    return name.rsplit(".", 3)[0]
