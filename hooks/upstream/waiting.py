"""Whether what a delivery has told of may be deployed: not before its commit's checks are green. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hooks.upstream.check import Check, State
from stratum.model import RecordedDelivery

NONE_AFTER = timedelta(minutes=10)  # without any check nothing is deployed, as with Heroku
SHORTEST_S, LONGEST_S = 5.0, 300.0
SHARE = 0.2  # of the time that it has waited it waits again
SHOWN, MAX_NAME = 3, 80  # checks named one by one, and characters of a name


class Held(Exception):
    """It is to wait.

    Attributes:
        reason: a clause.
        until: when to look again, if nobody tells sooner.
    """

    def __init__(self, reason: str, until: datetime) -> None:
        super().__init__(reason)
        self.reason, self.until = reason, until


class Red(Exception):
    """A check has failed.

    Attributes:
        reason: a clause, which names it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooLate(Red):
    """It has waited for as long as it may."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that waits for checks, at a moment."""

    delivery: RecordedDelivery
    limit_s: int
    at: datetime

    def decide(self, found: list[Check]) -> None:
        """Return if all checks are green.

        Raises:
            Red: one is red.
            TooLate: it has waited for too long.
            Held: one has not ended, or none is there yet.
        """
        red = [one.name for one in found if one.state is State.RED]
        if red:
            reason = f"the check {red[0][:MAX_NAME]!r} of {self._commit} has failed"
            raise Red(reason)
        still = [one.name for one in found if one.state is State.OPEN]
        if still:
            self.hold(f"{_named(still)} of {self._commit}")
        if not found:
            self.hold(f"a check of {self._commit}: there is none yet", NONE_AFTER)

    def hold(self, what: str, most: timedelta | None = None) -> None:
        """Say that it waits for something.

        Args:
            most: for how long at most, if that is less than the limit.

        Raises:
            TooLate, Held: always one of both.
        """
        limit = timedelta(seconds=self.limit_s)
        limit = limit if most is None else min(limit, most)
        waited = self.at - self.delivery.received_at
        if waited >= limit:
            reason = f"it has waited {limit.total_seconds() / 60:.0f} minutes for {what}"
            raise TooLate(reason)
        pause_s = min(max(waited.total_seconds() * SHARE, SHORTEST_S), LONGEST_S)
        reason = f"it waits for {what}"
        end = self.delivery.received_at + limit
        raise Held(reason, min(self.at + timedelta(seconds=pause_s), end))

    @property
    def _commit(self) -> str:
        return self.delivery.commit[:7]


def _named(names: list[str]) -> str:
    shown = ", ".join(repr(name[:MAX_NAME]) for name in names[:SHOWN])
    return f"the checks {shown}" + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
