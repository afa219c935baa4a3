"""What became of an app's processes, from a place on."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from gitserver.api.cursors import Mark, parse_mark
from gitserver.api.shapes import Events
from gitserver.services import Services
from stratum.events import Event, parse
from stratum.model import App
from stratum.store import environments
from stratum.trail import Said, Trail


class AppEvents:
    """One reader's view of the file that the plugin writes."""

    def __init__(self, services: Services, app: App, wanted: Events) -> None:
        """Begin with the oldest that is kept, or where a cursor says.

        Raises:
            InvalidCursor: what was given is none.
        """
        self._services, self._app, self._wanted = services, app, wanted
        self._goes_on = wanted.cursor is not None
        file = services.instance.layout.process_events(app.id)
        if wanted.cursor is None:
            self._trail = Trail(file)
        else:
            mark = parse_mark(wanted.cursor)
            self._trail = Trail(file, mark.place, mark.at.timestamp())

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
        return str(Mark(datetime.now(UTC), self._trail.place))

    def last(self) -> Iterable[Event]:
        """Return the last ones, or all that came since the cursor."""
        found = self._events(self._trail.lines())
        return found if self._goes_on else deque(found, maxlen=self._wanted.lines)

    def fresh(self) -> Iterator[Event]:
        """Yield what was written since the last call."""
        yield from self._events(self._trail.fresh())

    def close(self) -> None:
        """Close the file."""
        self._trail.close()

    def _events(self, lines: Iterable[Said]) -> Iterator[Event]:
        for event in filter(None, (parse(line.text) for line in lines)):
            if self._wanted.target in (None, event.target):
                yield event
