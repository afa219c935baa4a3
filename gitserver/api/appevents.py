"""What became of an app's processes: what is recorded, and then what their engine writes, as it comes.

The reconciler records what stands in the engine's file (`runner.history`) up to a place that it notes with
it. One transaction tells both: so whoever reads the record and then the file from that place misses nothing.
A cursor is the number of a change, in either.
"""

import re
from collections.abc import Iterable, Iterator

from gitserver.api.shapes import Events
from gitserver.services import Services
from stratum.errors import InvalidCursor
from stratum.events import Event, parse
from stratum.model import App
from stratum.store import environments, events
from stratum.trail import Said, Trail

_CURSOR = re.compile(r"[0-9]{1,16}")


class AppEvents:
    """One reader's view."""

    def __init__(self, services: Services, app: App, wanted: Events) -> None:
        """Begin with the last ones, or after the one that a cursor names.

        Raises:
            InvalidCursor: what was given is none.
        """
        self._services, self._app, self._wanted = services, app, wanted
        self._goes_on = wanted.cursor is not None
        if wanted.cursor is not None and not _CURSOR.fullmatch(wanted.cursor):
            raise InvalidCursor
        self._told = int(wanted.cursor or 0)  # the number of the newest that was
        self._recorded, self._trail = self._begun()

    def refresh(self) -> bool:
        """Look whether there is the app still."""
        with self._services.database.read() as tx:
            return environments.get_app(tx, self._app.id) is not None

    @property
    def paths(self) -> tuple[str, ...]:
        """The file that is read."""
        return (str(self._trail.path),)

    @property
    def cursor(self) -> str:
        """Where this reader is; another one goes on from there."""
        return str(self._told)

    def last(self) -> Iterable[Event]:
        """Return the last ones, or all that came since the cursor."""
        found = [*self._recorded, *self._new(self._trail.lines())]
        self._recorded, self._trail.missed = [], False
        return found if self._goes_on else found[max(0, len(found) - self._wanted.lines) :]

    def fresh(self) -> Iterable[Event]:
        """Return what came since the last call."""
        lines = self._trail.fresh()
        may_lack = self._trail.missed or (lines and self._began_before_all)
        if not may_lack:
            return self._new(lines)
        self.close()  # what was rotated away before it was read here is recorded
        self._goes_on = True
        self._recorded, self._trail = self._begun()
        return self.last()

    def close(self) -> None:
        """Close the file."""
        self._trail.close()

    def _begun(self) -> tuple[list[Event], Trail]:
        target, app_id = self._wanted.target, self._app.id
        with self._services.database.read() as tx:
            if self._goes_on:
                recorded = events.after(tx, app_id, self._told, target)
            else:
                recorded = events.last(tx, app_id, self._wanted.lines, target)
            self._told = max(self._told, events.newest(tx, app_id))
            place = events.places(tx, [app_id]).get(app_id)
        self._began_before_all = place is None  # and the file would not tell what it has no more
        return recorded, Trail(self._services.instance.layout.process_events(app_id), place)

    def _new(self, lines: Iterable[Said]) -> Iterator[Event]:
        for event in filter(None, (parse(line.text) for line in lines)):
            if event.number <= self._told:
                continue
            self._told = event.number
            if self._wanted.target in (None, event.target):
                yield event
