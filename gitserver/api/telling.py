"""How lines of logs are sent: as text, or as server-sent events with a cursor to go on from."""

import json
from collections.abc import Callable, Iterable, Iterator

from gitserver.api.applogs import AppLogs, Line

EVENTS = "text/event-stream"
_SECONDS = "%Y-%m-%dT%H:%M:%SZ"

# Of a reader and its lines; None: there are none, but whoever is on the way is to see that it lives.
Telling = Callable[[AppLogs, Iterable[Line] | None], Iterator[bytes]]


def as_text(_: AppLogs, lines: Iterable[Line] | None) -> Iterator[bytes]:
    """Write `web.1 | …`, after when it was written where that is told."""
    text = "".join(f"{_begin(line)}{line.process} | {line.text}\n" for line in lines or ())
    if text:
        yield text.encode()


def as_events(logs: AppLogs, lines: Iterable[Line] | None) -> Iterator[bytes]:
    """Write an event a line, and after some of them a cursor: who hands that back gets what comes after it.

    Source: WHATWG HTML, 9.2 Server-sent events: an event without data is not dispatched, its id is kept.
    """
    text = "".join(f"data: {json.dumps(_row(line))}\n\n" for line in lines or ())
    if text or lines is None:
        yield f"{text}id: {logs.cursor}\n\n".encode()


def _begin(line: Line) -> str:
    return "" if line.at is None else f"{line.at:{_SECONDS}} "


def _row(line: Line) -> dict[str, object]:
    row: dict[str, object] = {"process": line.process, "release": f"v{line.release}", "line": line.text}
    if line.at is not None:
        row["at"] = f"{line.at:{_SECONDS}}"
    return {**row, "marker": True} if line.is_marker else row
