"""A Stratum server: who one is there, its environments, apps and tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from stratum.client.app import RemoteApp
from stratum.client.http import Connection, Row

STATUS_WITHIN_S = 20.0  # the server gives each of its parts five at most


@dataclass(frozen=True, slots=True)
class Server:
    """A server and the token to use there."""

    connection: Connection

    @classmethod
    def at(cls, url: str, token: str) -> "Server":
        """Name a server; nothing is asked yet."""
        return cls(Connection(url, token))

    @property
    def url(self) -> str:
        """Where it is."""
        return self.connection.url

    def app(self, environment: str, name: str) -> RemoteApp:
        """Name one of its apps; whether it exists is not asked."""
        return RemoteApp(self.connection, environment, name)

    def whoami(self) -> Row:
        """Describe the token."""
        return self._send("GET", "/whoami")

    def status(self) -> Row:
        """Describe the server's parts. Not waited for as long as for others: it is asked when one hangs."""
        found: Row = self.connection.send("GET", "/status", silence_s=STATUS_WITHIN_S)
        return found

    def environments(self) -> list[Row]:
        """List the environments one may see."""
        return self._list("/environments")

    def create_environment(self, name: str, stage: str, *, start_all: bool) -> Row:
        """Create an environment."""
        return self._send("POST", "/environments", {"name": name, "stage": stage, "start_all": start_all})

    def remove_environment(self, name: str) -> Row:
        """Remove an empty environment."""
        return self._send("DELETE", f"/environments/{quote(name, safe='')}")

    def apps(self, environment: str | None = None) -> list[Row]:
        """List the apps one may see, or those of one environment."""
        listed = self._list("/apps")
        if environment is None:
            return listed
        return [app for app in listed if app["environment"].lower() == environment.lower()]

    def create_app(self, environment: str, name: str, deploy_branch: str | None = None) -> Row:
        """Create an app; without a branch the first of master and main that is pushed deploys."""
        chosen = {} if deploy_branch is None else {"deploy_branch": deploy_branch}
        return self._send("POST", "/apps", {"environment": environment, "name": name, **chosen})

    def tokens(self) -> list[Row]:
        """List the tokens that one administers."""
        return self._list("/tokens")

    def create_token(
        self, name: str, grants: Sequence[Row], *, admin: bool, expires_at: str | None = None
    ) -> Row:
        """Create a token; the answer holds its secret.

        Args:
            expires_at: ISO 8601 with its zone; None: as late as is allowed, which may be never.
        """
        wanted = {"name": name, "grants": list(grants), "admin": admin, "expires_at": expires_at}
        return self._send("POST", "/tokens", wanted)

    def revoke_token(self, name: str) -> Row:
        """Revoke a token."""
        return self._send("DELETE", f"/tokens/{quote(name, safe='')}")

    def _send(self, method: str, path: str, json: object = None) -> Row:
        answer: Row = self.connection.send(method, path, json=json)
        return answer

    def _list(self, path: str) -> list[Row]:
        answer: list[Row] = self.connection.send("GET", path)
        return answer
