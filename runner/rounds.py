"""In which rounds processes come up beside old ones, by the surge of their targets. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from runner.plan import Known, Process
from stratum.surge import at_once


@dataclass(frozen=True, slots=True)
class Round:
    """What comes up together, and what may end then.

    Attributes:
        relieved: old processes in whose places the new ones are; of the last round all that are left.
    """

    processes: tuple[Process, ...]
    relieved: tuple[Known, ...]


def rounds(wished: Sequence[Process], old: Sequence[Known], there: Collection[str]) -> list[Round]:
    """Divide processes so that of each target few enough new ones run beside old ones at once.

    Whoever begins anew after some rounds goes on from there: what was relieved is not old any more.

    Args:
        wished: those that overlap, lower indices first.
        old: what runs until it is relieved.
        there: names of those wished that run already.

    Returns:
        At least one round. What takes no old one's place is in the first round if it is there already,
        else in the last of its target.
    """
    targets = dict.fromkeys(process.target for process in wished)
    divided = [_parts([one for one in wished if one.target == target], old, there) for target in targets]
    found, left = [], list(old)
    for number in range(max(map(len, divided), default=1) - 1):
        go_on = [parts for parts in divided if number + 1 < len(parts)]
        slots = {one.slot for parts in go_on for one in parts[number]}
        relieved = [one for one in left if one.slot in slots]
        left = [one for one in left if one.slot not in slots]
        found.append(Round(_joined(divided, number), tuple(relieved)))
    return [*found, Round(_joined(divided, len(found)), tuple(left))]


def _parts(mine: Sequence[Process], old: Sequence[Known], there: Collection[str]) -> list[list[Process]]:
    """Divide the processes of one target."""
    slots = {one.slot for one in old}
    paired = [one for one in mine if one.slot in slots]
    size = at_once(mine[0].max_surge, len(mine))
    parts = [paired[begin : begin + size] for begin in range(0, len(paired), size)] or [[]]
    for one in mine:
        if one not in paired:
            (parts[0] if one.name in there else parts[-1]).append(one)
    return parts


def _joined(divided: Sequence[Sequence[Sequence[Process]]], number: int) -> tuple[Process, ...]:
    return tuple(one for parts in divided for one in (parts[number] if number < len(parts) else ()))
