"""An app's review apps on a server."""

from collections.abc import Mapping
from dataclasses import dataclass

from stratum.client.http import Connection, Row


@dataclass(frozen=True, slots=True)
class RemoteReviews:
    """Review apps of one app; nothing is asked before a method is called.

    Attributes:
        path: of the app's below `/api`.
    """

    connection: Connection
    path: str

    def show(self) -> Row:
        """Tell what is wished, and the `pull_requests` that were told of."""
        return self._send("GET", "")

    def change(self, values: Mapping[str, object]) -> Row:
        """Change `enabled`, `most`, `ttl_days`, `variables` or `values`."""
        return self._send("PATCH", "", values)

    def approve(self, number: int, commit: str, *, with_variables: bool) -> Row:
        """Have the commit built that a pull request from a fork is at."""
        wanted = {"commit": commit, "with_variables": with_variables}
        return self._send("POST", f"/{number}/approve", wanted)

    def destroy(self, number: int) -> Row:
        """Destroy the review app of a pull request."""
        return self._send("DELETE", f"/{number}")

    def _send(self, method: str, below: str, json: Mapping[str, object] | None = None) -> Row:
        sent = None if json is None else dict(json)
        answer: Row = self.connection.send(method, f"{self.path}/review-apps{below}", json=sent)
        return answer
