"""Where a reader of logs is, as a text that it hands back to go on from there. Pure.

`<hex seconds>;<v1.web.1>=<inode>.<offset>.<check>;…`: when, and at which byte of each process's output.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from stratum.errors import InvalidCursor
from stratum.trail import PLACE, Place

_TIME = re.compile(r"[0-9a-f]{1,9}")
_ITEM = re.compile(rf"(v[0-9]{{1,9}}\.[A-Za-z0-9_-]{{1,63}}\.[0-9]{{1,5}})=({PLACE})")


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
        items = (f"{name}={place}" for name, place in self.places.items())
        return ";".join([f"{int(self.at.timestamp()):x}", *items])


def parse(text: str) -> Cursor:
    """Read a cursor.

    Raises:
        InvalidCursor: it is none of ours.
    """
    time, *items = text.split(";")
    found = [_ITEM.fullmatch(item) for item in items]
    if not _TIME.fullmatch(time) or None in found:
        raise InvalidCursor
    places = {one[1]: Place.parse(one[2]) for one in found if one is not None}
    return Cursor(datetime.fromtimestamp(int(time, 16), UTC), places)
