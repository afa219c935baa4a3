"""Medians with their spread. Pure.

Measurements come in rounds, each side once a round, and intervals are of whole rounds drawn again
(percentile bootstrap), so that a slow minute counts for both sides.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

DRAWS = 4000
Values = Sequence[float]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def shown(self, form: str = ".2f") -> str:
        """Write it as `1.02 [0.98–1.05]`."""
        return f"{self.value:{form}} [{self.low:{form}}–{self.high:{form}}]"


def ratio(ours: Values, theirs: Values) -> Estimate:
    """Estimate the ratio of two medians."""
    return _estimate(ours, theirs, lambda mine, other: median(mine) / median(other))


def difference(ours: Values, theirs: Values) -> Estimate:
    """Estimate the difference of two medians."""
    return _estimate(ours, theirs, lambda mine, other: median(mine) - median(other))


def of_median(values: Values) -> Estimate:
    """Estimate a median."""
    return _estimate(values, values, lambda mine, _: median(mine))


def seconds(values: Values) -> str:
    """Write times as `median [lowest–highest]`."""
    return f"{median(values):.3f} [{min(values):.3f}–{max(values):.3f}]"


def milliseconds(values: Values) -> str:
    """Write times, given in seconds, as `median [lowest–highest]`."""
    return f"{median(values) * 1e3:.0f} [{min(values) * 1e3:.0f}–{max(values) * 1e3:.0f}]"


def _estimate(ours: Values, theirs: Values, statistic: Callable[[Values, Values], float]) -> Estimate:
    rounds = list(zip(ours, theirs, strict=True))
    draw = random.Random(1)  # the same measurements give the same interval
    drawn = sorted(
        statistic([mine for mine, _ in again], [other for _, other in again])
        for again in (draw.choices(rounds, k=len(rounds)) for _ in range(DRAWS))
    )
    return Estimate(statistic(ours, theirs), drawn[int(DRAWS * 0.025)], drawn[int(DRAWS * 0.975)])
