"""Has messages delivered, in threads of the web process that live only while there are any."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from hooks.outgoing.crew import Crew
from hooks.outgoing.fanout import READER, fan_out
from stratum.instance import Instance
from stratum.model import Message
from stratum.store import Database, Transaction, messages, news
from stratum.store.clock import now

AT_ONCE = 8  # deliveries; one to each subscriber, so that a slow one takes no more than one place


@dataclass(frozen=True, slots=True)
class Waiting:
    """What there is to do.

    Attributes:
        news: some was not read yet.
        due_at: when the next attempt is due, if any waits.
    """

    news: bool
    due_at: datetime | None


class Notifier:
    """Of one process; made after the fork, and asked once a second or so."""

    def __init__(self, instance: Instance, db: Database) -> None:
        self._instance, self._db = instance, db
        self._crew = Crew("notifier", AT_ONCE, self._due, lambda one: one.subscriber_id, self._deliver)

    def look(self) -> None:
        """Make messages of news, and have those delivered that are due; waits for nobody outside.

        Raises:
            Unavailable: the database cannot be used.
        """
        waiting = self._db.known("notifications", _waiting)
        if waiting is None:
            return
        if waiting.news:
            while fan_out(self._instance, self._db):
                pass
        elif waiting.due_at is None or waiting.due_at > now():
            return
        self._crew.start()

    def wait(self) -> None:
        """Wait until all that was begun has ended."""
        self._crew.wait()

    def _due(self, busy: Collection[int]) -> Message | None:
        """Return what has been due for longest, of those subscribers that nobody tells anything now."""
        with self._db.read() as tx:
            found = messages.due(tx, now(), busy)
        return found[0] if found else None

    def _deliver(self, message: Message) -> None:
        # Only now: a server that tells nobody anything does not load what that needs.
        from hooks.outgoing.delivery import deliver
        from hooks.outgoing.sending import Ways

        deliver(self._instance, self._db, message, Ways.of(self._instance.settings))


def _waiting(tx: Transaction) -> Waiting:
    return Waiting(news.is_unread(tx, READER), messages.next_due(tx))
