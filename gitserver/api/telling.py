"""How lines of logs, and events, are sent: as text, or as server-sent events with a cursor to go on from."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias, TypeVar

from gitserver.api import rows
from gitserver.api.appevents import AppEvents
from gitserver.api.applogs import AppLogs, Line
from stratum.events import Event

EVENTS = "text/event-stream"
_SECONDS = "%Y-%m-%dT%H:%M:%SZ"

T = TypeVar("T")
# Of what was read; None: there is nothing, but whoever is on the way is to see that it lives.
Telling: TypeAlias = Callable[[Iterable[T] | None], Iterator[bytes]]


def as_text(lines: Iterable[Line] | None) -> Iterator[bytes]:
    """Write `web.1 | …`, after when it was written where that is told."""
    text = "".join(f"{_begin(line)}{line.process} | {line.text}\n" for line in lines or ())
    if text:
        yield text.encode()


def as_events(logs: AppLogs) -> Telling[Line]:
    """Write each line as an event."""
    return lambda lines: _sent(logs, None if lines is None else map(_row, lines))


def changes(events: AppEvents) -> Telling[Event]:
    """Write each change of a process as an event."""
    return lambda found: _sent(events, None if found is None else map(rows.event, found))


def _sent(reader: AppLogs | AppEvents, found: Iterable[Mapping[str, object]] | None) -> Iterator[bytes]:
    """Write events, and after some of them a cursor: who hands that back gets what comes after it.

    Source: WHATWG HTML, 9.2 Server-sent events: an event without data is not dispatched, its id is kept.
    """
    text = "".join(f"data: {json.dumps(row)}\n\n" for row in found or ())
    if text or found is None:
        yield f"{text}id: {reader.cursor}\n\n".encode()


def _begin(line: Line) -> str:
    return "" if line.at is None else f"{line.at:{_SECONDS}} "


def _row(line: Line) -> dict[str, object]:
    row: dict[str, object] = {"process": line.process, "release": f"v{line.release}", "line": line.text}
    if line.at is not None:
        row["at"] = f"{line.at:{_SECONDS}}"
    return {**row, "marker": True} if line.is_marker else row
