"""Having on the disk what a build has made, while it goes on.

A slug is synced when it is closed (`stratum.door.steps`); what is on the disk by then needs not be waited
for. That sync depends on this in one thing: a disk that fails tells so to whoever waits for it then, and
not to who asks later (syncfs(2)), so what was told here counts.
"""

import threading
from typing import Protocol

from stratum.errors import DoorUnavailable

PATIENCE_S = 1.0


class Flusher(Protocol):
    """What does it: `stratum.door.client.Door`."""

    def flush(self, app_id: int, number: int) -> None:
        """Have on the disk what a build has written."""


class Flushing:
    """Of one build."""

    def __init__(self, door: Flusher, app_id: int, number: int, patience_s: float = PATIENCE_S) -> None:
        self._door, self._key, self._patience_s = door, (app_id, number), patience_s
        self._state = threading.Condition()
        self._is_wanted = self._is_at_work = False
        self._failure: DoorUnavailable | None = None

    def begin(self) -> None:
        """Have all on the disk that there is now; from any thread, which does not wait."""
        with self._state:
            self._is_wanted = True
            if self._is_at_work:
                return
            self._is_at_work = True
        threading.Thread(target=self._go_on, name="flushing", daemon=True).start()

    def end(self) -> None:
        """Hear how it went, after the last sync: what still waits then has been told nothing before that.

        Raises:
            DoorUnavailable: something has failed.
        """
        with self._state:
            self._state.wait_for(lambda: not self._is_at_work, self._patience_s)
        if self._failure is not None:
            raise self._failure

    def _go_on(self) -> None:
        while self._takes():
            try:
                self._door.flush(*self._key)
            except DoorUnavailable as error:
                self._failure = error

    def _takes(self) -> bool:
        with self._state:
            self._is_at_work, self._is_wanted = self._is_wanted, False
            self._state.notify_all()
            return self._is_at_work
