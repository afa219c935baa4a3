"""The operator's hook scripts for what has happened, run in a thread that lives only while there is any."""

import logging
import threading

from stratum.errors import StratumError
from stratum.hookscripts.runner import Scripts
from stratum.instance import Instance
from stratum.model import News
from stratum.store import Database, Transaction, environments, news

log = logging.getLogger(__name__)

READER = "hook scripts"


class HookScripts:
    """Of one process; made after the fork, and asked once a second or so."""

    def __init__(self, instance: Instance, db: Database) -> None:
        self._instance, self._db = instance, db
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Have scripts run for what has happened since they last ran; waits for none of them.

        Raises:
            Unavailable: the database cannot be used.
        """
        is_at_work = self._thread is not None and self._thread.is_alive()
        if not is_at_work and self._db.known("hook scripts", _is_unread):
            self._thread = threading.Thread(target=self._work, name="hook scripts", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Wait until all that was begun has ended."""
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        try:
            while (one := self._next()) is not None:
                self._try(one)
                with self._db.write(synced=False) as tx:
                    news.mark_read(tx, READER, one)
        except StratumError as error:  # it is tried again
            log.warning("hook scripts could not be run: %s", error)
        except Exception:
            log.exception("running hook scripts failed")

    def _next(self) -> News | None:
        with self._db.read() as tx:
            found = news.unread(tx, READER, 1)
        return found[0] if found else None

    def _try(self, one: News) -> None:
        try:
            self._run(one)
        except StratumError:
            raise
        except Exception:  # else nothing that has happened since would ever be told
            log.exception("hook scripts could not be run for news %d", one.id)

    def _run(self, one: News) -> None:
        with self._db.read() as tx:
            app = environments.get_app(tx, one.app_id)
        if app is not None:
            scripts = Scripts(self._instance, app, one.kind.value, one.data)
            for _ in scripts.run(scripts.found()):
                pass  # what became of them is kept and logged, and changes nothing


def _is_unread(tx: Transaction) -> bool:
    return news.is_unread(tx, READER)
