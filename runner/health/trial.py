"""One check of one process, tried until it is passed or all attempts have failed."""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import groupby

from stratum.model import Check, CheckKind

MOST_AT_ONCE = 16
_places = threading.BoundedSemaphore(MOST_AT_ONCE)  # what only waits takes none


class Trial(threading.Thread):
    """The attempts at a check, in a thread of their own, since several checks run at once.

    Attributes:
        passed: whether an attempt succeeded.
        error: what keeps us from trying at all.
    """

    def __init__(self, check: Check, attempt: Callable[[], str], age_s: float) -> None:
        """Prepare it.

        Args:
            attempt: tries once, and returns what is wrong; empty for nothing.
            age_s: of the process, at this moment.
        """
        super().__init__(name=f"check {check.label}", daemon=True)
        self.check = check
        self.passed = False
        self.error: Exception | None = None
        self._attempt = attempt
        self._began = time.monotonic() - age_s
        self._failed: list[tuple[float, str]] = []  # age of the process, and what was wrong
        self._called_off = threading.Event()

    def run(self) -> None:
        """Try; whatever goes wrong is for whoever waits, who would else do so for ever."""
        try:
            self._try()
        except Exception as error:
            self.error = error

    def call_off(self) -> None:
        """Begin no further attempt."""
        self._called_off.set()

    @property
    def has_failed(self) -> bool:
        """Whether all attempts have failed."""
        return len(self._failed) == self.check.attempts

    def story(self) -> str:
        """Say how each attempt failed: `attempt 1 after 0.4 s: it answered 503; …`."""
        return "; ".join(self._told())

    def _try(self) -> None:
        check = self.check
        first_s = check.uptime_s if check.kind is CheckKind.UPTIME else check.initial_delay_s
        pause_s = first_s - self._age_s()
        while not self._called_off.wait(max(0.0, pause_s)) and not self.has_failed:
            with _places:
                begun_s, wrong = self._age_s(), self._attempt()
            if not wrong:
                self.passed = True
                return
            self._failed.append((begun_s, wrong))
            pause_s = check.wait_s if not self.has_failed else 0.0

    def _age_s(self) -> float:
        return time.monotonic() - self._began

    def _told(self) -> Iterator[str]:
        number = 1
        for wrong, same in groupby(self._failed, key=lambda one: one[1]):
            ages = [age_s for age_s, _ in same]
            last = number + len(ages) - 1
            if last == number:
                yield f"attempt {number} after {ages[0]:.1f} s: {wrong}"
            else:
                yield f"attempts {number} to {last} after {ages[0]:.1f} to {ages[-1]:.1f} s: {wrong}"
            number = last + 1
