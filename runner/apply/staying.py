"""The processes of older releases that stay in the place of new ones."""

from dataclasses import replace

from runner.apply import running
from runner.apply.parts import Parts
from runner.wish import Wish
from stratum.crashing import LOOPS_FROM
from stratum.model import Formation
from stratum.staying import in_place, staying


def with_older(parts: Parts, goal: Wish, formation: Formation, *, mends: bool = False) -> Wish:
    """Have older processes stand in a wish where they are not to be restarted.

    One that could not be started again has its place taken.

    Args:
        mends: so has one that crash-loops, since what is wished is new, and may be meant to mend that.
    """
    targets = staying(goal.release, formation) if goal.release else ()
    if not targets:
        return goal
    found = running.look(parts, goal.app).values()
    kept_up = (one for one in found if one.can_restart and not (mends and one.crashes >= LOOPS_FROM))
    there = running.living(kept_up)
    names = in_place([one.name for one in goal.processes], there, targets)
    kept = [replace(one, name=name) for one, name in zip(goal.processes, names, strict=True)]
    return replace(goal, processes=tuple(kept))
