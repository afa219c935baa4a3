"""Who is told the news of an app on a server."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from stratum.client.http import Connection, Row

ASK_EVERY_S = 0.3


@dataclass(frozen=True, slots=True)
class RemoteNotifications:
    """Those of one app; nothing is asked before a method is called.

    Attributes:
        path: of them all, within the API.
    """

    connection: Connection
    path: str

    def all(self) -> list[Row]:
        """List them."""
        return self._rows("")

    def add(self, name: str, url: str, events: Sequence[str]) -> Row:
        """Have somebody told; the answer has the secret, where there is one."""
        return self._send("POST", "", {"name": name, "url": url, "events": [*events]})

    def show(self, name: str) -> Row:
        """Describe one."""
        return self._send("GET", _below(name))

    def switch(self, name: str, *, on: bool) -> Row:
        """Have it told nothing, or again."""
        return self._send("PATCH", _below(name), {"enabled": on})

    def remove(self, name: str) -> Row:
        """Remove it."""
        return self._send("DELETE", _below(name))

    def rotate(self, name: str) -> Row:
        """Give it a new secret."""
        return self._send("POST", _below(name, "rotate"))

    def messages(self, name: str, wanted: Mapping[str, str]) -> list[Row]:
        """List what was to be sent.

        Args:
            wanted: any of `state` and `lines`.
        """
        return self._rows(_below(name, "messages"), wanted)

    def message(self, name: str, key: str) -> Row:
        """Describe one message, with each attempt."""
        return self._send("GET", _below(name, "messages", key))

    def replay(self, name: str, key: str) -> Row:
        """Deliver a message once more."""
        return self._send("POST", _below(name, "messages", key, "replay"))

    def replay_dead(self, name: str) -> Row:
        """Deliver all once more that could not be."""
        return self._send("POST", _below(name, "replay"))

    def test(self, name: str, patience_s: float) -> Row:
        """Send something, and describe it once there was an attempt, or patience has ended."""
        key = self._send("POST", _below(name, "test"))["id"]
        until = time.monotonic() + patience_s
        while not (found := self.message(name, key))["tries"] and time.monotonic() < until:
            time.sleep(ASK_EVERY_S)
        return found

    def _send(self, method: str, below: str, json: object = None) -> Row:
        answer: Row = self.connection.send(method, self.path + below, json=json)
        return answer

    def _rows(self, below: str, params: Mapping[str, str] | None = None) -> list[Row]:
        answer: list[Row] = self.connection.send("GET", self.path + below, params=params)
        return answer


def _below(*parts: str) -> str:
    return "".join(f"/{quote(part, safe='')}" for part in parts)
