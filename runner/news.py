"""Whether there may be anything to mend, at a cost that does not grow with what runs."""

import time
from collections.abc import Callable
from typing import Protocol

LONGEST_S = 30.0  # after which everything is looked at, whatever is known


class Marked(Protocol):
    """An engine, as far as it is asked (`runner.engines.engine.Engine`)."""

    def mark(self) -> str:
        """Return a word that is another one where processes are."""


class Committed(Protocol):
    """A watch on the database (`stratum.store.Database.changes`)."""

    def happened(self) -> bool:
        """Whether anybody has committed since it was last asked."""


class News:
    """Tells when to look at everything.

    A look that has found all as it should be, and nothing that time alone may change, stands until what runs
    or what is wished is another.
    """

    def __init__(
        self, engine: Marked, changes: Committed, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine, self._changes, self._clock = engine, changes, clock
        self._mark, self._stands_until = "", 0.0

    def is_due(self) -> bool:
        """Whether to look; asked before each look, and so what happens during one is due for the next.

        Raises:
            Unavailable: it cannot be known.
        """
        now = self._clock()
        has_changed = self._changes.happened()
        mark = self._engine.mark()
        if not has_changed and mark == self._mark and now < self._stands_until:
            return False
        self._mark, self._stands_until = mark, now
        return True

    def settled(self) -> None:
        """Take what was seen in this look to stand."""
        self._stands_until += LONGEST_S
