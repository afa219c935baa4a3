"""Has messages delivered, in threads of the web process that live only while there are any."""

import logging
import threading
from dataclasses import dataclass
from datetime import datetime

from hooks.outgoing.fanout import READER, fan_out
from stratum.errors import Unavailable
from stratum.instance import Instance
from stratum.model import Message
from stratum.store import Database, Transaction, messages, news
from stratum.store.clock import now

log = logging.getLogger(__name__)

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
        self._lock = threading.Lock()
        self._busy: set[int] = set()  # subscribers that are being told
        self._threads: set[threading.Thread] = set()

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
        self._start()

    def wait(self) -> None:
        """Wait until all that was begun has ended."""
        while self._threads:
            for thread in list(self._threads):
                thread.join()

    def _start(self) -> None:
        """Start as many threads as there are subscribers to be told, each with its first message."""
        while len(self._threads) < AT_ONCE and (message := self._take()) is not None:
            thread = threading.Thread(target=self._work, args=(message,), name="notifier", daemon=True)
            self._threads.add(thread)
            try:
                thread.start()
            except RuntimeError as error:  # there is no room for one; it is due again at the next look
                log.warning("message %s waits: %s", message.key, error)
                self._threads.discard(thread)
                self._leave(message)
                return

    def _work(self, message: Message) -> None:
        found: Message | None = message
        try:
            # Only now: a server that tells nobody anything does not load what that needs.
            from hooks.outgoing.delivery import deliver
            from hooks.outgoing.sending import Ways

            ways = Ways.of(self._instance.settings)
            while found is not None:
                deliver(self._instance, self._db, found, ways)
                self._leave(found)
                found = self._take()
        except Unavailable as error:  # it is due again before long
            log.warning("message %s could not be delivered: %s", message.key, error)
        except Exception:
            log.exception("delivering message %s failed", message.key)
        finally:
            if found is not None:
                self._leave(found)
            self._threads.discard(threading.current_thread())

    def _take(self) -> Message | None:
        """Take what has been due for longest, of those subscribers that nobody tells anything now."""
        with self._lock:
            with self._db.read() as tx:
                found = messages.due(tx, now(), self._busy)
            if not found:
                return None
            self._busy.add(found[0].subscriber_id)
            return found[0]

    def _leave(self, message: Message) -> None:
        with self._lock:
            self._busy.discard(message.subscriber_id)


def _waiting(tx: Transaction) -> Waiting:
    return Waiting(news.is_unread(tx, READER), messages.next_due(tx))
