"""An app's turn: its push lock, and under it everything that came before brought to its end."""

import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from threading import Lock

from hooks.left import Moves, leave, left, recorded
from hooks.parts import Parts
from hooks.settle import settle_held
from stratum.errors import Conflict, NotFound
from stratum.model import App
from stratum.ownership import exclusive
from stratum.store import environments, pushes

PATIENCE_S = 30.0  # for other pushes of the app; the part of each under the lock takes milliseconds
ORPHAN_PATIENCE_S = 5.0  # for the git of a web process that was killed
POLL_S = 0.005

# By app: the threads of a process take turns by these, for which nobody polls; then there is hardly ever
# somebody else who holds the lock file.
_threads: defaultdict[int, Lock] = defaultdict(Lock)


class Turn:
    """Of one push; may be taken again once it was let go."""

    def __init__(self, parts: Parts, app_id: int) -> None:
        self._parts, self._app_id = parts, app_id
        self._lock = ExitStack()
        self._is_held = False

    def wait(self, patience_s: float) -> bool:
        """Hold the lock, if that takes no longer; whether it is held."""
        if self._is_held:
            return True
        deadline = time.monotonic() + patience_s
        others = _threads[self._app_id]
        if not others.acquire(timeout=patience_s):
            return False
        self._lock.callback(others.release)
        path = self._parts.instance.layout.push_lock(self._app_id)
        while not self._take_file(path):
            if time.monotonic() > deadline:
                self._lock.close()
                return False
            time.sleep(POLL_S)
        self._is_held = True
        return True

    def take(self) -> App:
        """Hold the lock, have earlier pushes settled, and return the app as it is now.

        Raises:
            Conflict: another push holds it, or does not come to its end.
            NotFound: the app is gone.
        """
        if not self.wait(0):
            message = "Another push to the app is under way."
            raise Conflict(message, "Try again in a moment.")
        app, is_settled = self._look()
        if is_settled:
            return app
        self._settle_earlier(app)
        return self._look()[0]

    def leave(self, moves: Moves) -> None:
        """Let others have it, and with it to record what git has done here."""
        leave(self._parts.database, self._app_id, moves)
        self.let_go()

    def record(self) -> None:
        """Record what was left here or by others, unless somebody else has the turn, who will."""
        db = self._parts.database
        try:
            if left(db, self._app_id) and self.wait(0):
                # Needs no sync: the row is there, and the ref tells what became of it.
                with db.write(synced=False) as tx:
                    left(db, self._app_id).record(tx)
                recorded(db, self._app_id)
        finally:
            self.let_go()

    def let_go(self) -> None:
        """Let others have it; nothing happens where it is not held."""
        self._is_held = False
        self._lock.close()

    def _take_file(self, path: Path) -> bool:
        with ExitStack() as tried:
            if not tried.enter_context(exclusive(path)):
                return False
            self._lock.push(tried.pop_all())
            return True

    def _settle_earlier(self, app: App) -> None:
        """Find out what became of pushes that a crash cut, so that this one comes after them."""
        deadline = time.monotonic() + ORPHAN_PATIENCE_S
        while True:
            found, at_work = settle_held(self._parts.instance, self._parts.database, self._app_id)
            if found:
                self._parts.nudges.build(self._app_id)
            if not at_work:
                return
            if time.monotonic() > deadline:
                message = f"An earlier push to {app.name} is still being finished."
                raise Conflict(message, "Try again in a moment.")
            time.sleep(POLL_S)

    def _look(self) -> tuple[App, bool]:
        """Read the app under the lock, and whether no push of it is pending that is not left to us."""
        with self._parts.database.read() as tx:
            app = environments.get_app(tx, self._app_id)
            pending = pushes.pending(tx, self._app_id)
        if app is None or app.destroying:
            raise NotFound("app", str(self._app_id) if app is None else app.label)
        return app, left(self._parts.database, self._app_id).ids.issuperset(push.id for push in pending)
