"""Who works on something but has not been heard of for long, by this process's own clock.

The time in a lease is only compared with itself: whether it changes, not when it is over. So a wall clock
that is set neither takes work from the living nor leaves it with the dead.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

MAX_STEP_S = 3.0  # we may have been stopped ourselves, and everybody else with us


@dataclass(slots=True)
class _Heard:
    lease_until: datetime | None
    silent_s: float = 0.0


@dataclass(slots=True)
class Silence:
    """How long holders of work have been silent, looked at again and again.

    A key names one claim: (kind, id, fencing number).
    """

    _heard: dict[tuple[str, int, int], _Heard] = field(default_factory=dict)
    _looked_at: float | None = None

    def look(self, claims: Iterable[tuple[tuple[str, int, int], datetime | None]]) -> None:
        """See which leases have been renewed since the last look; claims that are no more are forgotten."""
        now = time.monotonic()
        step_s = 0.0 if self._looked_at is None else min(now - self._looked_at, MAX_STEP_S)
        self._looked_at = now
        before, self._heard = self._heard, {}
        for key, lease_until in claims:
            heard = before.get(key)
            if heard is None or heard.lease_until != lease_until:
                heard = _Heard(lease_until)
            else:
                heard.silent_s += step_s
            self._heard[key] = heard

    def of(self, key: tuple[str, int, int]) -> float:
        """How many seconds a holder has been silent for, as far as we have seen."""
        heard = self._heard.get(key)
        return 0.0 if heard is None else heard.silent_s
