"""How often a process has ended by itself in a row, and how long it waits to be started again.

Pure. Loaded into supervisord, whose own way is a pause that grows by a second without end for what dies
within its first second, and none at all for what dies later (4.3.0, process.py).
"""

import random

from stratum.crashing import STABLE_S

LONGEST_S = 30.0
QUICK_S = 1.0  # what dies sooner does nobody any good by being there again at once
_LEAST = 0.75  # of a pause; by chance, lest all that has lost the same database comes back at once
_DOUBLINGS = 5  # 2**5 s are above LONGEST_S


class Crashes:
    """The ends of one process since it last lived for STABLE_S.

    Attributes:
        count: how many.
        since: of the first; epoch seconds, 0 for none.
        pause_s: from the last one to the next start.
    """

    __slots__ = ("count", "pause_s", "since")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin again, for it was stopped or has lived long enough."""
        self.count, self.since, self.pause_s = 0, 0.0, 0.0

    def note(self, lived_s: float, now: float) -> None:
        """Count an end that nobody asked for, whatever its exit status: a process has to keep running."""
        if lived_s >= STABLE_S:
            self.clear()
        self.since = self.since or now
        self.count += 1
        self.pause_s = pause_s(self.count, lived_s)


def pause_s(count: int, lived_s: float) -> float:
    """Return the pause after the given end in a row: none after the first, then twice as long each time."""
    if count == 1 and lived_s >= QUICK_S:
        return 0.0
    longest = min(LONGEST_S, 2.0 ** min(count - 1, _DOUBLINGS))
    return longest * random.uniform(_LEAST, 1.0)
