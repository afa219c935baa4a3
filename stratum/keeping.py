"""How a target's processes are kept: what is in force, and who has said so. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from stratum.first_scales import WEB, first_scales
from stratum.model import NO_SETTINGS, Formation, Release, Strategy, Target, TargetSettings
from stratum.procfile import uses_unique_int
from stratum.stopping import render
from stratum.surge import ALL

NO_FORMATION = Formation()
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
    start_all: bool  # the environment wishes every new target to run


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


def takes_turns(target: Target, settings: TargetSettings) -> bool:
    """Whether web processes that only their integer keeps from overlapping are replaced one by one."""
    is_kept_by_it = uses_unique_int(target.command) and settings.strategy is not Strategy.REPLACE
    return target.name == WEB and is_kept_by_it


def explain(
    release: Release, formation: Formation, defaults: Defaults, began: Mapping[str, Release]
) -> Iterator[Fact]:
    """Say what is in force for each target that processes are made of.

    Args:
        began: target → the first release that had it, which gave it the scale that it began with.
    """
    for target in release.targets:
        if target.name in release.process_names():
            yield _scale(release, began.get(target.name, release), formation, target.name, defaults)
            yield _strategy(release, formation, target)
            yield from _max_surge(release, formation, target)
            yield _stop_sequence(release, formation, target.name, defaults)
            yield _restarts(release, formation, target.name)
            yield from _checks(release, target.name, defaults)


def _scale(release: Release, began: Release, formation: Formation, target: str, defaults: Defaults) -> Fact:
    """Say the scale; one that is as it began is told as that, whatever app.json says by now."""
    asked = began.contents.settings
    first = first_scales([target], NO_FORMATION, asked, start_all=defaults.start_all)[target]
    scale, now = formation.scales.get(target, first), _asked(release, target).quantity
    source = Source.DEFAULT if _asked(began, target).quantity is None else Source.APP_JSON
    if scale != first:
        source = Source.API
    notes = [f"as v{began.version} began"] if source is Source.APP_JSON and now != scale else []
    notes += [f"app.json says {now} to begin with"] if now not in {None, scale} else []
    if target in formation.paused:
        notes = [f"{formation.remembered(target)} once it is resumed"]
    return Fact(target, "scale", str(formation.scale(target)), source, "; ".join(notes))


def _strategy(release: Release, formation: Formation, target: Target) -> Fact:
    if uses_unique_int(target.command):
        return Fact(target.name, "strategy", Strategy.REPLACE, Source.PROCFILE, _ALONE)
    usual = strategy_of(target, NO_SETTINGS)
    return _Said.of(release, formation, target.name, "strategy").fact(usual)


def _max_surge(release: Release, formation: Formation, target: Target) -> Iterator[Fact]:
    said = _Said.of(release, formation, target.name, "max_surge")
    if strategy_of(target, settled(release, formation, target.name)) is Strategy.OVERLAP:
        yield said.fact(ALL)
    elif said.value:
        yield said.fact(ALL, "no effect: new processes do not run beside old ones")


def _stop_sequence(release: Release, formation: Formation, target: str, defaults: Defaults) -> Fact:
    usual = render([("term", defaults.stop_grace_s)])
    return _Said.of(release, formation, target, "stop_sequence").fact(usual)


def _restarts(release: Release, formation: Formation, target: str) -> Fact:
    said = _Said.of(release, formation, target, "restart_on_deploy")
    if target == WEB and said.value == "false":
        return Fact(target, "restart_on_deploy", "true", Source.DEFAULT, "web is always restarted")
    return said.fact("true")


def _checks(release: Release, target: str, defaults: Defaults) -> Iterator[Fact]:
    if target == WEB:
        usual = f"it listens on $PORT within {defaults.web_start_timeout_s:g} s"
    else:
        usual = f"it lives for {defaults.alive_after_s:g} s"
    yield Fact(target, "check", usual, Source.DEFAULT)
    for check in _asked(release, target).checks:
        note = f"within {check.longest_s} s" + (", or a warning" if check.only_warns else "")
        yield Fact(target, "check", check.label, Source.APP_JSON, note)


@dataclass(frozen=True, slots=True)
class _Said:
    """What is said of one setting of a target; empty where nothing is."""

    target: str
    key: str
    told: str
    asked: str

    @classmethod
    def of(cls, release: Release, formation: Formation, target: str, key: str) -> "_Said":
        told, asked = _told(formation, target), _asked(release, target)
        return cls(target, key, _text(getattr(told, key)), _text(getattr(asked, key)))

    @property
    def value(self) -> str:
        return self.told or self.asked

    def fact(self, usual: str, note: str = "") -> Fact:
        """What is in force, with what app.json wants where the API was told another.

        Args:
            usual: what holds where nothing is said.
        """
        if not self.value:
            return Fact(self.target, self.key, usual, Source.DEFAULT, note)
        is_other = self.told and self.asked not in ("", self.told)
        instead = f"app.json says {self.asked}" if is_other else ""
        source = Source.API if self.told else Source.APP_JSON
        return Fact(self.target, self.key, self.value, source, note or instead)


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _asked(release: Release, target: str) -> TargetSettings:
    return release.contents.settings.get(target, NO_SETTINGS)


def _told(formation: Formation, target: str) -> TargetSettings:
    return formation.told.get(target, NO_SETTINGS)
