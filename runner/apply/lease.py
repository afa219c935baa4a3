"""The hold on one rollout: prolonged by a thread, lost when somebody else has taken it over."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from stratum.errors import StratumError
from stratum.model import Rollout
from stratum.store import Database, rollouts

log = logging.getLogger(__name__)

RENEW_EVERY_S = rollouts.LEASE_S / 3


class LeaseLost(StratumError):
    """Somebody else has taken the rollout over; this applier must change nothing more."""

    slug = "lease-lost"

    def __init__(self, rollout: Rollout) -> None:
        super().__init__(f"Rollout {rollout.id} was taken over from its applier.")


class Lease:
    """A held rollout."""

    def __init__(self, database: Database, rollout: Rollout) -> None:
        self.rollout = rollout
        self._database = database
        self._over = threading.Event()
        self._lost = threading.Event()

    def check(self) -> None:
        """Pass while the lease is held.

        Raises:
            LeaseLost: it is not any more.
        """
        if self._lost.is_set():
            raise LeaseLost(self.rollout)

    def renew_until_over(self) -> None:
        """Prolong the lease again and again; what the thread runs."""
        while not self._over.wait(RENEW_EVERY_S):
            try:
                with self._database.write() as tx:
                    held = rollouts.renew(tx, self.rollout)
            except StratumError as error:
                log.warning("the lease of rollout %d could not be renewed: %s", self.rollout.id, error)
                continue
            if not held:
                self._lost.set()
                return

    def end(self) -> None:
        """End the renewals."""
        self._over.set()


@contextmanager
def held(database: Database, rollout: Rollout) -> Iterator[Lease]:
    """Hold a claimed rollout for the block."""
    lease = Lease(database, rollout)
    thread = threading.Thread(target=lease.renew_until_over, name=f"lease-{rollout.id}", daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        lease.end()
        thread.join()
