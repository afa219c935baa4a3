"""How often to look again while waiting for a process."""

import time
from collections.abc import Callable, Iterator

FIRST_PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.1
_GROWTH = 1.02


def looks(limit_s: float, at_most_s: Callable[[], float] = lambda: LONGEST_PAUSE_S) -> Iterator[float]:
    """Yield the seconds waited so far, and pause between: 10 ms, slowly growing to 100.

    A last look comes after the limit, so that the caller always sees how things stand then.

    Args:
        at_most_s: tells the longest next pause, for a caller who knows when there will be something.
    """
    began = time.monotonic()
    pause_s = FIRST_PAUSE_S
    while (waited_s := time.monotonic() - began) < limit_s:
        yield waited_s
        time.sleep(max(min(pause_s, at_most_s()), 0.0))
        pause_s = min(pause_s * _GROWTH, LONGEST_PAUSE_S)
    yield waited_s
