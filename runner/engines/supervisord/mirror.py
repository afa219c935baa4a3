"""The file that mirrors the apps' sections inside supervisord. Loaded into supervisord.

It grows with all that runs, and writing it takes longer than a start. So it is written when changes have
come to a rest, as one for all of them, and in any case before supervisord itself reads it.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner.engines.supervisord.wakeup import Wakeup

QUIET_S = 0.2  # longer than from one step of a rollout to the next
LATEST_S = 1.0  # after the first change that it lacks
_HEAD = b"; Stratum's plugin in supervisord overwrites this after every change.\n"


class Mirror:
    """The sections by name, as they stand in the file or are about to."""

    def __init__(
        self,
        path: str,
        logger: Any,
        clock: Callable[[], float] = time.monotonic,
        wake_after: Callable[[float], None] = Wakeup.soon,
    ) -> None:
        self._path, self._logger, self._clock, self._wake_after = Path(path), logger, clock, wake_after
        self._fragments: dict[str, bytes] = {}
        self._first = self._last = math.inf  # changes that the file lacks

    def holds(self, name: str, text: str) -> bool:
        """Whether the section of a name reads so."""
        return self._fragments.get(name) == text.encode()

    def put(self, name: str, text: str) -> None:
        """Have a section."""
        self._fragments[name] = text.encode()
        self._changed()

    def drop(self, name: str) -> None:
        """Have it no more."""
        if self._fragments.pop(name, None) is not None:
            self._changed()

    def look(self) -> None:
        """Write the file if it is due; asked in every pass of supervisord's loop."""
        if math.isinf(self._first):
            return
        left_s = min(self._last + QUIET_S, self._first + LATEST_S) - self._clock()
        if left_s > 0:
            self._wake_after(left_s)
        else:
            self.write()

    def catch_up(self) -> None:
        """Write the file if it lacks anything."""
        if not math.isinf(self._first):
            self.write()

    def write(self) -> None:
        """Replace the file. On a full disk the apps run all the same: only the file lags."""
        self._first = self._last = math.inf
        scratch = self._path.with_suffix(".new")
        try:
            scratch.write_bytes(b"\n".join((_HEAD, *self._fragments.values())))
            scratch.replace(self._path)
        except OSError as error:
            self._logger.critical(f"stratum: {self._path} is behind what runs: {error}")

    def _changed(self) -> None:
        self._last = self._clock()
        self._first = min(self._first, self._last)
