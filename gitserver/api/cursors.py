"""Where a reader of logs or events is, as a text that it hands back to go on from there. Pure.

`<hex seconds>;<v1.web.1>=<inode>.<offset>.<check>;…`: when, and at which byte of each process's output.
`<hex seconds>;<inode>.<offset>.<check>`: when, and at which byte of the events, if there were any.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from stratum.errors import InvalidCursor
from stratum.trail import Place

_TIME = re.compile(r"[0-9a-f]{1,9}")
_PLACE = r"([0-9a-f]{1,16})\.([0-9a-f]{1,12})\.([0-9a-f]{1,8})"
_ITEM = re.compile(rf"(v[0-9]{{1,9}}\.[A-Za-z0-9_-]{{1,63}}\.[0-9]{{1,5}})={_PLACE}")
_MARK = re.compile(rf"([0-9a-f]{{1,9}});(?:{_PLACE})?")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the output of all processes of an app.

    Attributes:
        at: what came later than this is all new.
        places: by the name of a process within its app, `v1.web.1`.
    """

    at: datetime
    places: Mapping[str, Place]

    def __str__(self) -> str:
        items = (f"{name}={_written(place)}" for name, place in self.places.items())
        return ";".join([f"{int(self.at.timestamp()):x}", *items])


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the events of an app.

    Attributes:
        at: what came later than this is all new.
        place: None where there were none.
    """

    at: datetime
    place: Place | None

    def __str__(self) -> str:
        return f"{int(self.at.timestamp()):x};{'' if self.place is None else _written(self.place)}"


def parse(text: str) -> Cursor:
    """Read a cursor.

    Raises:
        InvalidCursor: it is none of ours.
    """
    time, *items = text.split(";")
    found = [_ITEM.fullmatch(item) for item in items]
    if not _TIME.fullmatch(time) or None in found:
        raise InvalidCursor
    places = {
        one[1]: Place(*(int(word, 16) for word in one.groups()[1:])) for one in found if one is not None
    }
    return Cursor(datetime.fromtimestamp(int(time, 16), UTC), places)


def parse_mark(text: str) -> Mark:
    """Read a place in the events.

    Raises:
        InvalidCursor: it is none of ours.
    """
    found = _MARK.fullmatch(text)
    if found is None:
        raise InvalidCursor
    time, *place = found.groups()
    at = datetime.fromtimestamp(int(time, 16), UTC)
    return Mark(at, Place(*(int(word, 16) for word in place)) if place[0] else None)


def _written(place: Place) -> str:
    return f"{place.inode:x}.{place.offset:x}.{place.check:x}"
