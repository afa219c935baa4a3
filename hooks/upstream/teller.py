"""Has git servers told what becomes of commits, in threads that live only while there is anything to say."""

from collections.abc import Collection
from datetime import UTC, datetime

from hooks.outgoing.crew import Crew
from stratum.instance import Instance
from stratum.model import CommitStatus
from stratum.store import Database, Transaction, statuses
from stratum.store.clock import now

AT_ONCE = 4  # git servers
NEVER = datetime.max.replace(tzinfo=UTC)


class Teller:
    """Of one process; made after the fork, and asked once a second or so."""

    def __init__(self, instance: Instance, db: Database) -> None:
        self._instance, self._db = instance, db
        self._crew = Crew("teller", AT_ONCE, self._due, lambda one: one.webhook_id, self._tell)

    def look(self) -> None:
        """Have told what is due; waits for nobody outside.

        Raises:
            Unavailable: the database cannot be used.
        """
        if (self._db.known("statuses", _next_due) or NEVER) <= now():
            self._crew.start()

    def wait(self) -> None:
        """Wait until all that was begun has ended."""
        self._crew.wait()

    def _due(self, busy: Collection[int]) -> CommitStatus | None:
        with self._db.read() as tx:
            found = statuses.due(tx, now(), busy)
        return found[0] if found else None

    def _tell(self, due: CommitStatus) -> None:
        # Only now: a server without web hooks does not load what that needs.
        from hooks.upstream.telling import tell

        tell(self._instance, self._db, due)


def _next_due(tx: Transaction) -> datetime:
    return statuses.next_due(tx) or NEVER  # what is None is not kept, and would be asked for again
