"""What a scale that was given means, and how many processes an app may have. Pure.

`3` is what a scale is to be; `+1` and `-2` change what is wished.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from stratum.errors import InvalidScale, TooManyProcesses
from stratum.model import App, Formation
from stratum.settings import Settings

_RELATIVE = re.compile(r"[+-][0-9]{1,6}")  # int() would take other scripts' digits and blanks as well


def is_relative(given: object) -> bool:
    """Whether it changes what is wished, which is then to be read in the transaction that writes."""
    return isinstance(given, str) and _RELATIVE.fullmatch(given) is not None


def checked_scale(target: str, given: object, now: int, max_scale: int) -> int:
    """Return the scale that is asked for.

    Args:
        given: unchecked; a number, or `+1` as text.
        now: the scale wished so far.

    Raises:
        InvalidScale: it is none, or out of range.
    """
    if isinstance(given, str) and is_relative(given):
        return _in_range(target, given, now, max_scale)
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= max_scale:
        raise InvalidScale(target, given, max_scale)
    return given


def _in_range(target: str, given: str, now: int, max_scale: int) -> int:
    wished = now + int(given)
    # What is above the limit already, since that was lowered, may become less.
    if wished < 0 or (wished > max_scale and wished > now):
        raise InvalidScale(target, given, max_scale, now=now)
    return wished


def changed(given: int | str, now: int) -> int:
    """What a scale that was checked comes to when it is wished, which may be much later; 0 at least."""
    return max(0, now + int(given)) if isinstance(given, str) else given


def absolute(asked: Mapping[str, int | str]) -> dict[str, int]:
    """Those that say what a scale is to be, and not what it changes by."""
    return {target: given for target, given in asked.items() if isinstance(given, int)}


def joined(first: Mapping[str, int | str], then: Mapping[str, int | str]) -> dict[str, int | str]:
    """What is asked for by two that come to be one."""
    both = dict(first)
    for target, given in then.items():
        before = both.get(target)
        both[target] = given if before is None or isinstance(given, int) else _added(before, given)
    return both


def _added(before: int | str, change: str) -> int | str:
    if isinstance(before, int):
        return changed(change, before)
    return f"{int(before) + int(change):+d}"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many processes may be wished, of one target and of an app."""

    scale: int
    processes: int

    @classmethod
    def of(cls, app: App, settings: Settings) -> "Limits":
        """Return those in force for an app."""
        own = app.max_processes
        return cls(settings.max_scale, settings.max_processes_per_app if own is None else own)


def total(formation: Formation, targets: Iterable[str]) -> int:
    """Count the processes that targets are to have."""
    return sum(formation.scale(target) for target in targets)


def check_total(label: str, before: int, wished: int, most: int) -> None:
    """See that an app may have so many processes; more than it may is no reason to refuse fewer than before.

    Args:
        label: the app's.
        before: how many were wished so far.

    Raises:
        TooManyProcesses: it may not.
    """
    if most < wished > before:
        raise TooManyProcesses(label, wished, most)


def without_room(
    formation: Formation, targets: Sequence[str], there: Collection[str], most: int
) -> list[str]:
    """Name the targets that a release brings, or brings back, for whose processes an app has no room.

    Args:
        targets: of the release, in order.
        there: those that it does not bring.
    """
    count, left = total(formation, there), []
    for target in targets:
        scale = 0 if target in there else formation.scale(target)
        if scale and count + scale > most:
            left.append(target)
        else:
            count += scale
    return left
