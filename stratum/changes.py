"""What differs between two sets of named things: targets, packages, variables."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """One of them; None stands for its absence."""

    name: str
    before: str | None
    after: str | None


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    """Return what was added, removed or is another now, by name."""
    names = sorted(before.keys() | after.keys())
    found = (Change(name, before.get(name), after.get(name)) for name in names)
    return tuple(one for one in found if one.before != one.after)
