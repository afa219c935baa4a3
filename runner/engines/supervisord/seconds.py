"""How much is read of each pipe within a second. Pure, but for the clock. Loaded into supervisord."""

import time
from collections.abc import Callable

MOST_BYTES = 16 << 20  # 1.6 files of a log; what is written at once by one that is not flooding fits in
_SECOND_S = 1.0


class Seconds:
    """One second for all pipes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most_bytes: int = MOST_BYTES) -> None:
        self._clock, self._most_bytes = clock, most_bytes
        self._ends = 0.0
        self._before: dict[int, int] = {}

    def begins(self) -> bool:
        """Whether the last second is over, so that another begins."""
        if self.left_s() > 0:
            return False
        self._ends = self._clock() + _SECOND_S
        self._before.clear()
        return True

    def left_s(self) -> float:
        """How long the second still lasts; nothing or less once it is over."""
        return self._ends - self._clock()

    def is_spent(self, fd: int, read_bytes: int) -> bool:
        """Whether a pipe is to wait for the next second.

        Args:
            read_bytes: what has been read of it ever; the first piece of a second does not count.
        """
        return read_bytes - self._before.setdefault(fd, read_bytes) >= self._most_bytes

    def forget(self, fd: int) -> None:
        """Let its number be another's."""
        self._before.pop(fd, None)
