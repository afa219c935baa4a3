"""How a target's processes are kept: what is in force, and who has said so. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from stratum.first_scales import WEB
from stratum.model import NO_SETTINGS, Formation, Release, Strategy, Target, TargetSettings
from stratum.procfile import uses_unique_int
from stratum.stopping import render

_ALONE = "two processes of one {{UNIQUE_INT}} never run at once"


class Source(StrEnum):
    """Who has said what is in force; each goes before those above."""

    DEFAULT = "default"
    APP_JSON = "app.json"
    API = "API"
    PROCFILE = "Procfile"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is in force for a target.

    Attributes:
        note: what else there is to know; may be empty.
    """

    target: str
    key: str
    value: str
    source: Source
    note: str = ""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the server has processes do of which nothing is said."""

    web_start_timeout_s: float
    alive_after_s: float
    stop_grace_s: int


def settled(release: Release, formation: Formation, target: str) -> TargetSettings:
    """What is said of a target, all in all."""
    return joined(release.contents.settings, formation, target)


def joined(asked: Mapping[str, TargetSettings], formation: Formation, target: str) -> TargetSettings:
    """What is said of a target by an app.json and by the API, which goes before it."""
    return _told(formation, target).over(asked.get(target, NO_SETTINGS))


def strategy_of(target: Target, settings: TargetSettings) -> Strategy:
    """How new processes of a target take the place of old ones."""
    if uses_unique_int(target.command):
        return Strategy.REPLACE
    return settings.strategy or (Strategy.OVERLAP if target.name == WEB else Strategy.REPLACE)


def explain(release: Release, formation: Formation, defaults: Defaults) -> Iterator[Fact]:
    """Say what is in force for each target that processes are made of."""
    for target in release.targets:
        if target.name in release.process_names():
            yield _scale(formation, target.name)
            yield _strategy(release, formation, target)
            yield _stop_sequence(release, formation, target.name, defaults)
            yield _restarts(release, formation, target.name)
            yield from _checks(release, target.name, defaults)


def _scale(formation: Formation, target: str) -> Fact:
    source = Source.API if target in formation.scales else Source.DEFAULT
    note = f"{formation.remembered(target)} once it is resumed" if target in formation.paused else ""
    return Fact(target, "scale", str(formation.scale(target)), source, note)


def _strategy(release: Release, formation: Formation, target: Target) -> Fact:
    told, asked = _told(formation, target.name).strategy, _asked(release, target.name).strategy
    value = strategy_of(target, settled(release, formation, target.name))
    if uses_unique_int(target.command):
        return Fact(target.name, "strategy", value, Source.PROCFILE, _ALONE)
    return Fact(target.name, "strategy", value, _source(told, asked), _instead(told, asked))


def _stop_sequence(release: Release, formation: Formation, target: str, defaults: Defaults) -> Fact:
    told, asked = (
        _told(formation, target).stop_sequence or None,
        _asked(release, target).stop_sequence or None,
    )
    value = told or asked or render([("term", defaults.stop_grace_s)])
    return Fact(target, "stop_sequence", value, _source(told, asked), _instead(told, asked))


def _restarts(release: Release, formation: Formation, target: str) -> Fact:
    told, asked = _told(formation, target).restart_on_deploy, _asked(release, target).restart_on_deploy
    value = told if told is not None else asked
    if target == WEB and value is False:
        return Fact(target, "restart_on_deploy", "true", Source.DEFAULT, "web is always restarted")
    said = _instead(told, asked).lower()
    return Fact(
        target, "restart_on_deploy", "false" if value is False else "true", _source(told, asked), said
    )


def _checks(release: Release, target: str, defaults: Defaults) -> Iterator[Fact]:
    if target == WEB:
        usual = f"it listens on $PORT within {defaults.web_start_timeout_s:g} s"
    else:
        usual = f"it lives for {defaults.alive_after_s:g} s"
    yield Fact(target, "check", usual, Source.DEFAULT)
    for check in _asked(release, target).checks:
        note = f"within {check.longest_s} s" + (", or a warning" if check.only_warns else "")
        yield Fact(target, "check", check.label, Source.APP_JSON, note)


def _source(told: object, asked: object) -> Source:
    if told is not None:
        return Source.API
    return Source.DEFAULT if asked is None else Source.APP_JSON


def _instead(told: object, asked: object) -> str:
    """Say what app.json wants where the API was told another."""
    return f"app.json says {asked}" if told is not None and asked not in (None, told) else ""


def _asked(release: Release, target: str) -> TargetSettings:
    return release.contents.settings.get(target, NO_SETTINGS)


def _told(formation: Formation, target: str) -> TargetSettings:
    return formation.told.get(target, NO_SETTINGS)
