"""The logs of all processes of an app, over releases and changes of scale."""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gitserver.api import cursors
from gitserver.api.cursors import Cursor
from gitserver.api.shapes import Logs
from gitserver.api.slots import Slot, slots, version
from gitserver.services import Services
from stratum.logtimes import since
from stratum.model import RELEASE_PHASE, App
from stratum.processes import label
from stratum.store import environments
from stratum.trail import WINDOW, Place, Said, Trail, place_in

BYTES_A_LINE = 256  # what is looked through for the last lines, and no less than WINDOW
MOST_BYTES = 40 << 20  # of one process are looked through: all that is kept, and more while it writes
_LOG = re.compile(r".+\.v[0-9]{1,9}\.[^.]+\.[0-9]{1,5}\.log")
ROUNDS = 4  # reads of what one process wrote, so that most often all comes before what follows it
FOLLOWED = 3  # releases of a process: one that is to come, the newest, and one that it takes the place of


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a process.

    Attributes:
        process: its label.
        release: its version.
        is_marker: said by Stratum, not by the process.
        at: when it was written, to the second, where that was asked for and is known.
    """

    process: str
    release: int
    text: str
    is_marker: bool = False
    at: datetime | None = None


class AppLogs:
    """One reader's view; `refresh` finds processes that came since."""

    def __init__(self, services: Services, app: App, wanted: Logs) -> None:
        """Begin to read.

        Raises:
            InvalidTime, InvalidCursor: that is what was asked for.
        """
        self._services, self._app, self._wanted = services, app, wanted
        self._folder = services.instance.layout.process_log(app.id, "").parent
        now = datetime.now(UTC)
        self._since = None if wanted.since is None else since(wanted.since, now)
        self._from: Cursor | None = None if wanted.cursor is None else cursors.parse(wanted.cursor)
        # What a file holds now was written before this reader came, by whatever process.
        ends = {} if self._from else {path.name: place_in(path) for path in _logs(self._folder)}
        self._before: Mapping[str, Place | None] = ends
        self._slots: list[Slot] = []
        self._stay = {".".join(one.split(".")[1:]) for one in self._from.places} if self._from else set()
        if self._since is not None:
            self._stay |= _written_since(self._folder, self._since)
        self._trails: dict[str, Trail] = {}
        self._told: dict[str, int] = {}  # by label: the release of its last line

    def refresh(self) -> bool:
        """Look which processes the app has now; False when it has been destroyed.

        Raises:
            NothingReleased: it never had any.
            UnknownTarget: it has none of the target asked for.
        """
        with self._services.database.read() as tx:
            app = environments.get_app(tx, self._app.id)
            if app is None:
                return False
            kept = [path.name.removesuffix(".log") for path in _logs(self._folder)]
            self._slots = slots(tx, app, self._wanted, kept, self._stay)
        self._stay = {slot.label for slot in self._slots}
        followed = [name for slot in self._slots for name in slot.names[-FOLLOWED:]]
        for name in self._trails.keys() - set(followed):
            self._trails.pop(name).close()
        for name in followed:
            if name not in self._trails:
                self._trails[name] = self._began(name)
        return True

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that are read, one for each process that may write."""
        return tuple(str(trail.path) for trail in self._trails.values())

    @property
    def cursor(self) -> str:
        """Where this reader is; another one goes on from there."""
        places = {_short(name): trail.place for name, trail in self._trails.items()}
        there = {name: place for name, place in places.items() if place is not None}
        return str(Cursor(datetime.now(UTC), there))

    def last(self) -> Iterator[Line]:
        """Yield the last lines of each process, unless this goes on from a cursor."""
        for slot in self._slots if self._from is None else ():
            for name, said in self._last_of(slot):
                yield from self._lines(slot.label, name, said)

    def fresh(self) -> Iterator[Line]:
        """Yield what was written since the last call."""
        for slot in self._slots:
            for name in slot.names[-FOLLOWED:]:
                trail = self._trails[name]
                said = [one for _ in range(ROUNDS) for one in trail.fresh()]
                if trail.missed:
                    trail.missed = False
                    text = "----- some lines came faster than they were read, and are gone -----"
                    yield Line(slot.label, version(name), text, is_marker=True)
                yield from self._lines(slot.label, name, said)

    def close(self) -> None:
        """Close all files."""
        for trail in self._trails.values():
            trail.close()

    def _last_of(self, slot: Slot) -> list[tuple[str, Iterable[Said]]]:
        """Collect the last lines of a process, release by release from the newest back."""
        found: list[tuple[str, Iterable[Said]]] = []
        room = self._wanted.most
        for name in reversed(slot.names):
            size = max(WINDOW, room * BYTES_A_LINE)
            trail = self._opened(name, size)
            is_search = self._since is not None or self._wanted.grep
            lines = self._until_now(trail, MOST_BYTES if is_search else size + 2 * WINDOW)
            chosen = deque((said for said in lines if self._wanted.grep in said.text), maxlen=room)
            found.append((name, chosen))
            room -= len(chosen)
            if name in self._trails:
                self._trails.pop(name).close()
                self._trails[name] = trail
            else:
                trail.close()
            if room <= 0:
                break
        return found[::-1]

    def _until_now(self, trail: Trail, most: int) -> Iterator[Said]:
        """Yield lines; whoever does not follow gets what there is of the last one, too."""
        yield from trail.lines(most)
        if not self._wanted.follow:
            yield from trail.rest()

    def _opened(self, name: str, size: int) -> Trail:
        path = self._path(name)
        if self._since is not None:
            return self._timed(Trail.since(path, self._since))
        return self._timed(Trail(path) if self._wanted.grep else Trail.last(path, size))

    def _timed(self, trail: Trail) -> Trail:
        trail.timed = self._wanted.timestamps
        return trail

    def _lines(self, label: str, name: str, said: Iterable[Said]) -> Iterator[Line]:
        release = version(name)
        for one in said:
            if self._wanted.grep not in one.text:
                continue
            if self._told.setdefault(label, release) != release:
                yield Line(label, release, f"----- v{release} -----", is_marker=True)
            self._told[label] = release
            yield Line(label, release, one.text, at=one.at)

    def _began(self, name: str) -> Trail:
        path = self._path(name)
        if self._from is None:
            return self._timed(Trail(path, self._before.get(path.name)))
        place = self._from.places.get(_short(name))
        at = self._from.at
        return self._timed(Trail.since(path, at) if place is None else Trail(path, place, at.timestamp()))

    def _path(self, name: str) -> Path:
        return self._services.instance.layout.process_log(self._app.id, name)


def _short(name: str) -> str:
    return ".".join(name.rsplit(".", 3)[1:])


def _written_since(folder: Path, at: datetime) -> set[str]:
    """Labels of the processes that have written since, wished or not by now; a release phase is none."""
    found = set()
    for path in _logs(folder):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime >= at.timestamp():
                found.add(label(path.name.removesuffix(".log")))
    return {one for one in found if one.rpartition(".")[0] != RELEASE_PHASE}


def _logs(folder: Path) -> list[Path]:
    """What each process writes to now; without older files, and what is none of a process."""
    return [path for path in folder.glob("*.log") if _LOG.fullmatch(path.name)]
