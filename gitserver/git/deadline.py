"""How long something may still take; time in which it waits for others need not count."""

import time


class Deadline:
    """Counts down from the moment it is made."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds
        self._paused_at: float | None = None

    @property
    def has_passed(self) -> bool:
        """Whether the time is over; never while paused."""
        return self._paused_at is None and time.monotonic() > self._at

    @property
    def is_paused(self) -> bool:
        """Whether no time passes now."""
        return self._paused_at is not None

    def shorten(self, seconds: float) -> None:
        """Leave at most so much from now, not counting a pause."""
        self._at = min(self._at, (self._paused_at or time.monotonic()) + seconds)

    def pause(self) -> None:
        """Let no time pass until `resume`."""
        if self._paused_at is None:
            self._paused_at = time.monotonic()

    def resume(self) -> None:
        """Let time pass again."""
        if self._paused_at is not None:
            self._at += time.monotonic() - self._paused_at
            self._paused_at = None
