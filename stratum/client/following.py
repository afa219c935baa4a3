"""Following an app's logs or events as server-sent events, over restarts of the server and what is between.

Source: WHATWG HTML, 9.2 Server-sent events.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from stratum.client.http import Connection, Row
from stratum.errors import ServerUnavailable

PATIENCE_S = 35.0
RETRY_S = 0.5
SILENCE_S = 60.0  # the server says something every 15 s


def follow(connection: Connection, path: str, params: Mapping[str, str]) -> Iterator[Row]:
    """Yield each line once; a connection that breaks is made again where it broke.

    Raises:
        ServerUnavailable: it was away for too long, or was never there.
        Refused: the server does not tell.
    """
    reader, heard = _Reader(), None
    while True:
        headers = {"Accept": "text/event-stream"}
        if reader.cursor:
            headers["Last-Event-ID"] = reader.cursor
        try:
            for chunk in connection.stream(path, params, headers=headers, silence_s=SILENCE_S):
                heard = time.monotonic()
                yield from reader.feed(chunk)
            yield from reader.rest()
        except ServerUnavailable:
            if heard is None or time.monotonic() - heard > PATIENCE_S:
                raise
            reader.drop()
            time.sleep(RETRY_S)
        else:
            return


@dataclass(slots=True)
class _Reader:
    """Holds lines back until a cursor says that what is sent again begins after them."""

    cursor: str = ""
    _held: list[Row] = field(default_factory=list)
    _partial: bytes = b""

    def feed(self, chunk: bytes) -> Iterable[Row]:
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        done: list[Row] = []
        for line in lines:
            name, _, value = line.decode("utf-8", "replace").partition(": ")
            if name == "data":
                self._held.append(json.loads(value))
            elif name == "id":
                self.cursor = value
                done += self.rest()
        return done

    def rest(self) -> list[Row]:
        done, self._held = self._held, []
        return done

    def drop(self) -> None:
        self._held, self._partial = [], b""
