"""When tokens were last used: a note that no request waits for."""

import logging
import time
from collections.abc import Callable
from threading import Lock

from stratum.errors import Unavailable
from stratum.model import Token
from stratum.store import Database, tokens

log = logging.getLogger(__name__)

PATIENCE_S = 0.1
EVERY_S = tokens.USED_RESOLUTION.total_seconds()


class Uses:
    """Notes uses in the database; safe for threads.

    Each token is tried at most once in EVERY_S, also when the note cannot be made: else every request
    would wait for whoever holds the database. The note is not synced: a loss of power may take it.
    """

    def __init__(self, db: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._db, self._clock, self._lock = db, clock, Lock()
        self._tried: dict[int, float] = {}  # token id → when

    def note(self, token: Token) -> None:
        """Note that a token is used now, unless that was done a moment ago."""
        if not tokens.needs_mark(token) or not self._is_due(token.id):
            return
        try:
            with self._db.write(synced=False, patience_s=PATIENCE_S) as tx:
                tokens.mark_used(tx, token.id)
        except Unavailable as error:
            log.warning("use of token %s was not noted: %s", token.name, error)

    def _is_due(self, token_id: int) -> bool:
        with self._lock:
            now = self._clock()
            self._tried = {known: at for known, at in self._tried.items() if now - at < EVERY_S}
            if token_id in self._tried:
                return False
            self._tried[token_id] = now
            return True
