"""An app's web hooks on a server."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from stratum.client.http import Connection, Row


@dataclass(frozen=True, slots=True)
class RemoteWebhooks:
    """Web hooks of one app; nothing is asked before a method is called.

    Attributes:
        path: of the app's below `/api`.
    """

    connection: Connection
    path: str

    def listed(self) -> list[Row]:
        """List them."""
        answer: list[Row] = self.connection.send("GET", self._at(""))
        return answer

    def show(self, public_id: str) -> Row:
        """Describe one."""
        return self._send("GET", _below(public_id))

    def create(self, wanted: Mapping[str, object]) -> Row:
        """Add one; the answer holds its secret, and a deploy key where it is for an address of SSH."""
        return self._send("POST", "", wanted)

    def change(self, public_id: str, values: Mapping[str, object]) -> Row:
        """Change what docs/api.md lists, such as `enabled` or `branches`."""
        return self._send("PATCH", _below(public_id), values)

    def rotate(self, public_id: str, *, at_once: bool) -> Row:
        """Give it another secret, which the answer holds."""
        return self._send("POST", f"{_below(public_id)}/rotate", {"at_once": at_once})

    def add_deploy_key(self, public_id: str) -> Row:
        """Make it another deploy key, and keep the one until now."""
        return self._send("POST", f"{_below(public_id)}/deploy-key")

    def forget_deploy_key(self, public_id: str) -> Row:
        """Give up the deploy key before the current one."""
        return self._send("DELETE", f"{_below(public_id)}/deploy-key/previous")

    def destroy(self, public_id: str) -> Row:
        """Remove one."""
        return self._send("DELETE", _below(public_id))

    def statuses(self, public_id: str) -> list[Row]:
        """List what its git server was told of commits, newest first."""
        answer: list[Row] = self.connection.send("GET", self._at(f"{_below(public_id)}/statuses"))
        return answer

    def retry_statuses(self, public_id: str) -> Row:
        """Have told once more what could not be told."""
        return self._send("POST", f"{_below(public_id)}/statuses/retry")

    def deliveries(self) -> list[Row]:
        """List what they have delivered, newest first."""
        answer: list[Row] = self.connection.send("GET", self._at("/deliveries"))
        return answer

    def delivery(self, number: int) -> Row:
        """Describe a delivery, with its headers and body."""
        return self._send("GET", f"/deliveries/{number}")

    def replay(self, number: int) -> Row:
        """Have a delivery's branch fetched once more."""
        return self._send("POST", f"/deliveries/{number}/replay")

    def _send(self, method: str, below: str, json: Mapping[str, object] | None = None) -> Row:
        sent = None if json is None else dict(json)
        answer: Row = self.connection.send(method, self._at(below), json=sent)
        return answer

    def _at(self, below: str) -> str:
        return f"{self.path}/webhooks{below}"


def _below(public_id: str) -> str:
    return f"/{quote(public_id, safe='')}"
