"""What a push would change, said without changing anything (`git push -o plan`). Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hooks.policy import detail, step
from stratum.first_scales import WEB, first_scales
from stratum.keeping import joined, strategy_of
from stratum.model import RELEASE_PHASE, App, Formation, Release, Strategy, Target, TargetSettings
from stratum.scaling import changed, without_room
from stratum.surge import at_once

_MAX_SHOWN = 60  # characters of a command


@dataclass(frozen=True, slots=True)
class Present:
    """What there is now.

    Attributes:
        release: the one that runs, or will when all that is under way has gone well.
        variables: names of those that the next release will have.
        max_processes: how many the app may have.
    """

    app: App
    release: Release | None
    formation: Formation
    variables: tuple[str, ...]
    max_processes: int


@dataclass(frozen=True, slots=True)
class Next:
    """What the push would make of it."""

    commit: str
    targets: tuple[Target, ...]
    scale: Mapping[str, int | str]  # asked for with the push
    settings: Mapping[str, TargetSettings] = field(default_factory=dict)  # of its app.json


@dataclass(frozen=True, slots=True)
class _Kept:
    """A target, and how it would be kept."""

    target: Target
    settings: TargetSettings

    @classmethod
    def of(cls, target: Target, new: Next, wished: Formation) -> "_Kept":
        return cls(target, joined(new.settings, wished, target.name))


def forecast(present: Present, new: Next) -> tuple[str, ...]:
    """Say what would become of every process, and of scale, variables and ports."""
    wished = _wished(present, new)
    old = {} if present.release is None else {target.name: target for target in present.release.targets}
    processes = [target for target in new.targets if target.name != RELEASE_PHASE]
    return (
        _headline(present, new),
        *_phase(new.targets),
        *_processes(present.formation, wished, old, [_Kept.of(target, new, wished) for target in processes]),
        *_scales(present.formation, wished, [target.name for target in processes]),
        *_commands(old, new.targets),
        _variables(present.variables),
        _ports(wished),
    )


def undecided(present: Present, commit: str) -> tuple[str, ...]:
    """Say what is known of a commit without a Procfile."""
    return (
        _headline(present, Next(commit, (), {})),
        step("Processes: decided by the build, as the commit has no Procfile"),
        _variables(present.variables),
    )


def _wished(present: Present, new: Next) -> Formation:
    first = first_scales(
        [target.name for target in new.targets],
        present.formation,
        new.settings,
        start_all=present.app.environment.start_all,
    )
    before = present.formation
    paused = before.paused | first.keys() if before.is_paused else before.paused
    plain = replace(before, scales={**before.scales, **first}, paused=paused)
    asked = {target: changed(given, plain.remembered(target)) for target, given in new.scale.items()}
    wished = replace(plain, scales={**plain.scales, **asked})
    there = () if present.release is None else present.release.process_names()
    names = [target.name for target in new.targets if target.name != RELEASE_PHASE]
    left = without_room(wished, names, there, present.max_processes)
    return replace(wished, paused=paused | set(left))


def _headline(present: Present, new: Next) -> str:
    if present.release is None:
        return step(f"Plan: {new.commit[:7]} would be the first release of {present.app.name}")
    version = present.release.version
    return step(f"Plan: {present.app.name} would go from v{version} to a new release of {new.commit[:7]}")


def _phase(targets: Sequence[Target]) -> Iterator[str]:
    for target in targets:
        if target.name == RELEASE_PHASE:
            text = f"{target.name} would run once, before anything starts or stops: {_cut(target.command)}"
            yield detail(text)


def _processes(
    before: Formation, wished: Formation, old: Mapping[str, Target], few: Sequence[_Kept]
) -> Iterator[str]:
    for kept in few:
        name = kept.target.name
        yield from _of(kept, before.scale(name) if name in old else 0, wished)
    names = {kept.target.name for kept in few}
    for name in old:
        if name not in names and before.scale(name):
            gone = _named(name, 1, before.scale(name))
            yield detail(f"{gone} removed: the Procfile has no {name} any more; its scale is remembered")


def _of(kept: _Kept, runs: int, wished: Formation) -> Iterator[str]:
    target = kept.target
    will = wished.scale(target.name)
    stay = min(runs, will)
    if stay:
        yield detail(f"{_named(target.name, 1, stay)} {_way(kept, will)}")
    if will > stay:
        yield detail(f"{_named(target.name, stay + 1, will)} added")
    if runs > will:
        yield detail(f"{_named(target.name, will + 1, runs)} removed")
    if target.name in wished.paused:
        number = wished.remembered(target.name)
        yield detail(f"{target.name}: paused; stratum resume {target.name} would start {number}")
    elif not runs and not will:
        yield detail(f"{target.name}: not started; stratum worker {target.name} would start it")


def _way(kept: _Kept, scale: int) -> str:
    if kept.target.name != WEB and kept.settings.restart_on_deploy is False:
        return "left as they are, since restart_on_deploy is false"
    if strategy_of(kept.target, kept.settings) is Strategy.OVERLAP:
        number = at_once(kept.settings.max_surge, scale)
        if number < scale:
            return f"restarted, {number} at a time; each starts beside the old one, which serves until then"
        return "restarted; the new one starts beside the old, which serves until the switch"
    return "restarted; the old one stops before the new one starts"


def _named(target: str, first: int, last: int) -> str:
    return f"{target}.{first}" if first == last else f"{target}.{first} to {target}.{last}"


def _scales(before: Formation, wished: Formation, names: Sequence[str]) -> Iterator[str]:
    changed = [
        f"{name} {before.remembered(name)} → {wished.remembered(name)}"
        for name in names
        if before.remembered(name) != wished.remembered(name)
    ]
    yield step(f"Scale: {', '.join(changed) or 'unchanged'}")


def _commands(old: Mapping[str, Target], targets: Sequence[Target]) -> Iterator[str]:
    for target in targets:
        before = old.get(target.name)
        if before is not None and before.command != target.command:
            yield step(f"Command of {target.name}: {_cut(before.command)} → {_cut(target.command)}")


def _cut(command: str) -> str:
    return command if len(command) <= _MAX_SHOWN else command[: _MAX_SHOWN - 1] + "…"


def _variables(names: Sequence[str]) -> str:
    return step(f"Variables: {', '.join(sorted(names)) or 'none'}; a push changes none")


def _ports(wished: Formation) -> str:
    count = wished.scale(WEB)
    if not count:
        return step("Ports: none, as no web process would run")
    return step(f"Ports: {_named(WEB, 1, count)} would get {'a new one' if count == 1 else 'new ones'}")
