"""What becomes of a delivery, and of the build that was reserved for it: told in its log, then recorded."""

import logging
from datetime import datetime, timedelta

from hooks.parts import Parts
from stratum.buildlog import Log
from stratum.model import Build, BuildState, DeliveryState, RecordedDelivery
from stratum.store import deliveries, reserved
from stratum.store.clock import now
from stratum.store.reserved import Reserved

log = logging.getLogger(__name__)

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600))  # before it is tried again
GONE = "Nobody fetches it any more: its web hook was removed, or its delivery has ended."


class Ended(Exception):
    """A delivery has come to its end.

    Attributes:
        reason: a clause without a full stop.
        build: number of what it has led to; None: it is what was reserved for it, if anything.
        newer: number of the build for which it has given way.
    """

    def __init__(
        self, state: DeliveryState, reason: str = "", build: int | None = None, newer: int | None = None
    ) -> None:
        super().__init__(reason)
        self.state, self.reason, self.build, self.newer = state, reason, build, newer


class Fetching:
    """One delivery that is fetched.

    Attributes:
        build: that was reserved for it; one of before builds were, or whose app still went, has none.
    """

    def __init__(self, parts: Parts, delivery: RecordedDelivery) -> None:
        self._parts, self._delivery = parts, delivery
        self.build = reserved.of(delivery)

    def begun(self, what: str, clone_url: str) -> None:
        """Tell that the fetch begins."""
        self._say(f"Fetching {what} from {clone_url}")

    def has(self, commit: str) -> None:
        """Tell what was fetched."""
        self._say(f"Fetched {commit}")

    def check_wanted(self) -> None:
        """See that the delivery was not given up.

        Raises:
            Ended: it was, with its build.
        """
        with self._parts.database.read() as tx:
            found = deliveries.get_delivery(tx, self._delivery.app_id, self._delivery.id)
        if found is None or found.state is not DeliveryState.QUEUED:
            raise Ended(DeliveryState.FAILED, "it was given up")

    def number_to_push(self) -> int | None:
        """Return the build's number; None: what is pushed is to have a new one.

        So it is after a gated build that was cut off: it has ended, and the delivery has not.

        Raises:
            Ended: the delivery was given up.
        """
        is_fetching = self._is_fetching()
        self.check_wanted()  # after that look, since both end in one transaction
        return self.build.number if self.build and is_fetching else None

    def pushed(self, branch: str, build: Build | None) -> Ended:
        """Say how it ends when a branch of the app is where it is to be, and what was built for that.

        Args:
            branch: or the review app whose one branch it is.
        """
        if self._is_free():
            which = f": build {build.number}" if build else ""
            return Ended(DeliveryState.PUSHED, f"{branch} was there already{which}")
        return Ended(DeliveryState.PUSHED, build=build.number if build else None)

    def end(self, end: Ended) -> None:
        """Record how it ended."""
        delivery, state = self._delivery, BuildState.SUPERSEDED if end.newer else _STATES[end.state]
        error = _error(end, state)
        if self._is_free():
            self._say(error, is_error=state is BuildState.FAILED)
        with self._parts.database.write() as tx:
            deliveries.end(tx, delivery.id, end.state, end.reason, end.build)
            if self.build is not None:
                reserved.end(tx, self.build, state, error, newer=end.newer)
        log.info("delivery %d to app %d: %s %s", delivery.id, delivery.app_id, end.state, end.reason)

    def hold(self, reason: str, until: datetime) -> None:
        """Have it looked at again later, and tell why, if that is another reason than before."""
        if reason != self._delivery.reason:
            self._say(f"Not fetched yet: {reason}.")
        with self._parts.database.write(synced=False) as tx:
            deliveries.hold(tx, self._delivery.id, reason, until)

    def put_off(self, reason: str) -> None:
        """Have it tried again later, if it was not tried often enough."""
        delivery = self._delivery
        if delivery.attempts >= len(PAUSES):
            self.end(Ended(DeliveryState.FAILED, f"tried {delivery.attempts + 1} times: {reason}"))
            return
        pause = PAUSES[delivery.attempts]
        self._say(f"Not fetched: {reason}. It is tried again in {pause.seconds} s.", is_error=True)
        with self._parts.database.write() as tx:
            deliveries.put_off(tx, delivery.id, reason, now() + pause)
        log.warning("delivery %d to app %d waits: %s", delivery.id, delivery.app_id, reason)

    def _is_fetching(self) -> bool:
        if self.build is None:
            return False
        with self._parts.database.read() as tx:
            return reserved.is_fetching(tx, self.build)

    def _is_free(self) -> bool:
        if self.build is None:
            return False
        with self._parts.database.read() as tx:
            return reserved.is_free(tx, self.build)

    def _say(self, text: str, *, is_error: bool = False) -> None:
        if self.build is not None and self._is_fetching():  # else it has ended, or is gone with its app
            _say(self._parts, self.build, text, is_error=is_error)


def end_unfetched(parts: Parts) -> None:
    """End the builds that were reserved for what nobody fetches any more."""
    with parts.database.read() as tx:
        found = reserved.orphans(tx)
    for one in found:
        _say(parts, one, GONE, is_error=True)
        with parts.database.write() as tx:
            reserved.end(tx, one, BuildState.CANCELED, GONE)


def _say(parts: Parts, build: Reserved, text: str, *, is_error: bool) -> None:
    """Add to a build's log; that it cannot be written stops nothing."""
    try:
        with Log(parts.instance.layout.build_log(build.app_id, build.number)) as lines:
            (lines.error if is_error else lines.step)(text)
    except OSError as error:
        log.warning("the log of build %d of app %d: %s", build.number, build.app_id, error)


_STATES = {
    DeliveryState.PUSHED: BuildState.SKIPPED,
    DeliveryState.DONE: BuildState.SKIPPED,
    DeliveryState.IGNORED: BuildState.SKIPPED,
    DeliveryState.FAILED: BuildState.FAILED,
}


def _error(end: Ended, state: BuildState) -> str:
    if state is BuildState.SUPERSEDED:
        return f"Superseded by #{end.newer}, a newer push."
    what = "Nothing to build" if state is BuildState.SKIPPED else "Nothing was taken"
    return f"{what}: {end.reason}."
