"""One app on a server: its processes, variables, releases, builds and logs."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from stratum.client.http import Connection, Row
from stratum.errors import ServerUnavailable

if TYPE_CHECKING:  # most commands are about none of these
    from stratum.client.notifications import RemoteNotifications
    from stratum.client.reviews import RemoteReviews
    from stratum.client.webhooks import RemoteWebhooks

WAIT_S = 20
PATIENCE_S = WAIT_S + 15.0
RETRY_S = 0.2
CROWDED_S = 0.5


@dataclass(frozen=True, slots=True)
class RemoteApp:
    """An app; nothing is asked before a method is called."""

    connection: Connection
    environment: str
    name: str

    @property
    def label(self) -> str:
        """`MyProdEnv/app02`."""
        return f"{self.environment}/{self.name}"

    @property
    def git_url(self) -> str:
        """Address of its repository."""
        return f"{self.connection.url}/{self.label}.git"

    @property
    def webhooks(self) -> "RemoteWebhooks":
        """Its web hooks."""
        from stratum.client.webhooks import RemoteWebhooks

        return RemoteWebhooks(self.connection, self._path(""))

    @property
    def reviews(self) -> "RemoteReviews":
        """Its review apps."""
        from stratum.client.reviews import RemoteReviews

        return RemoteReviews(self.connection, self._path(""))

    def show(self) -> Row:
        """Describe the app."""
        return self._send("GET", "")

    def change(self, settings: Mapping[str, object]) -> Row:
        """Change some of its settings."""
        return self._send("PATCH", "", dict(settings))

    def destroy(self, confirm: str) -> Row:
        """Begin to destroy it."""
        return self._send("DELETE", "", {"confirm": confirm})

    def processes(self) -> list[Row]:
        """List its processes."""
        return self._list("/processes")

    def events(self, target: str | None, *, lines: int) -> list[Row]:
        """List what became of its processes."""
        params = _events_wanted(target, lines)
        answer: list[Row] = self.connection.send("GET", self._path("/events"), params=params)
        return answer

    def live_events(self, target: str | None, *, lines: int) -> Iterator[Row]:
        """Yield what became of its processes, and what becomes of them."""
        wanted = {**_events_wanted(target, lines), "follow": "true"}
        return self._followed("/events", wanted)

    def scale(self, scales: Mapping[str, object]) -> Row:
        """Wish scales."""
        return self._send("PUT", "/formation", dict(scales))

    def formation(self) -> list[Row]:
        """List the scales wished."""
        return self._list("/formation")

    def explain(self) -> list[Row]:
        """List what is in force for its targets."""
        return self._list("/targets")

    def tell(self, target: str, values: Mapping[str, object]) -> list[Row]:
        """Change how a target is kept; None: as if nothing were said."""
        path = self._path(f"/targets/{quote(target, safe='')}")
        answer: list[Row] = self.connection.send("PATCH", path, json=dict(values))
        return answer

    def pause(self, targets: Sequence[str]) -> Row:
        """Have targets at rest; none named: all."""
        return self._send("POST", "/pause", {"targets": list(targets)})

    def resume(self, targets: Sequence[str]) -> Row:
        """End a pause; none named: of all."""
        return self._send("POST", "/resume", {"targets": list(targets)})

    def launch(self, target: str) -> Row:
        """Launch a target as a worker."""
        return self._send("POST", f"/workers/{quote(target, safe='')}")

    def domains(self) -> list[Row]:
        """List its own domains."""
        return self._list("/domains")

    def add_domain(self, name: str) -> Row:
        """Have it answer at a name, too."""
        return self._send("POST", "/domains", {"name": name})

    def remove_domain(self, name: str) -> Row:
        """Have it answer there no more."""
        return self._send("DELETE", f"/domains/{quote(name, safe='')}")

    def maintenance(self) -> bool:
        """Tell whether its visitors get the page that says it is down for maintenance."""
        return bool(self._send("GET", "/maintenance")["on"])

    def set_maintenance(self, *, on: bool) -> Row:
        """Give its visitors that page, or the app."""
        return self._send("PUT", "/maintenance", {"on": on})

    def notifications(self) -> "RemoteNotifications":
        """Who is told its news."""
        from stratum.client.notifications import RemoteNotifications

        return RemoteNotifications(self.connection, self._path("/notifications"))

    def variables(self) -> list[Row]:
        """List its variables."""
        return self._list("/vars")

    def edit_variables(self, values: Mapping[str, str], unset: Sequence[str] = ()) -> Row:
        """Set and unset variables."""
        return self._send("PATCH", "/vars", {"set": dict(values), "unset": list(unset)})

    def storage(self) -> list[Row]:
        """List its storage."""
        return self._list("/storage")

    def create_storage(self, name: str, path: str | None) -> Row:
        """Add storage, mounted at a path or not yet."""
        return self._send("POST", "/storage", {"name": name, "path": path})

    def mount_storage(self, name: str, path: str | None) -> Row:
        """Mount storage at a path; None: nowhere."""
        return self._send("PATCH", f"/storage/{quote(name, safe='')}", {"path": path})

    def destroy_storage(self, name: str, confirm: str) -> Row:
        """Remove storage with its data; to be asked again until it is `done`."""
        return self._send("DELETE", f"/storage/{quote(name, safe='')}", {"confirm": confirm})

    def releases(self) -> list[Row]:
        """List its releases."""
        return self._list("/releases")

    def release(self, version: int) -> Row:
        """Describe a release, and what it has changed."""
        return self._send("GET", f"/releases/{version}")

    def describe_release(self, version: int, values: Mapping[str, object]) -> Row:
        """Change its `name` or `note`, or whether it is `pinned`."""
        return self._send("PATCH", f"/releases/{version}", dict(values))

    def verify_release(self, version: int) -> Row:
        """See whether what it runs is what was built."""
        return self._send("POST", f"/releases/{version}/verify")

    def rollback(self, version: int | None) -> Row:
        """Go back to a release; None: to the one that ran before."""
        return self._send("POST", "/rollback", {"version": version})

    def redeploy(self) -> Row:
        """Build the current commit again."""
        return self._send("POST", "/redeploy")

    def builds(self) -> list[Row]:
        """List its builds."""
        return self._list("/builds")

    def build(self, number: int) -> Row:
        """Describe a build."""
        return self._send("GET", f"/builds/{number}")

    def cancel_build(self, number: int) -> Row:
        """Give a build up."""
        return self._send("POST", f"/builds/{number}/cancel")

    def purge_cache(self) -> Row:
        """Remove what its builds have kept for the next ones."""
        return self._send("POST", "/builds/purge")

    def buildpacks(self) -> list[Row]:
        """List what made the wished release, and what is pinned besides."""
        return self._list("/buildpacks")

    def update_buildpacks(self, url: str) -> Row:
        """Have the next build resolve a URL anew; empty: all."""
        return self._send("POST", "/buildpacks/update", {"url": url})

    def retry_build(self, number: int) -> Row:
        """Build a build's commit once more."""
        return self._send("POST", f"/builds/{number}/retry")

    def build_log(self, number: int, *, follow: bool) -> Iterator[bytes]:
        """Yield a build's log; with `follow` until its rollout is settled."""
        return self._stream(f"/builds/{number}/log", {"follow": _flag(follow)})

    def logs(self, wanted: Mapping[str, str]) -> Iterator[Row]:
        """Yield lines of its processes: `process`, `release`, `line`; `marker` where it is none of theirs.

        Args:
            wanted: any of `target`, `index`, `lines`, `since`, `grep`, `follow`.
        """
        return self._followed("/logs", wanted)

    def rollout(
        self, number: int, *, until: str = "settled", unfinished: Callable[[Row], None] | None = None
    ) -> Row:
        """Wait for a rollout and return it; until `settled` or `ended`.

        A server that is away for less than PATIENCE_S is waited for: the rollout goes on without it.

        Args:
            unfinished: told how it is each time that the server has waited in vain, for WAIT_S mostly.
        """
        heard = time.monotonic()
        while True:
            asked = time.monotonic()
            try:
                found = self._waited(number, until)
            except ServerUnavailable:
                if time.monotonic() - heard > PATIENCE_S:
                    raise
                time.sleep(RETRY_S)
                continue
            if found["done"]:
                return found
            if unfinished is not None:
                unfinished(found)
            heard = time.monotonic()
            if heard - asked < RETRY_S:  # too many wait there already
                time.sleep(CROWDED_S)

    def _waited(self, number: int, until: str) -> Row:
        params = {"wait_s": str(WAIT_S), "until": until}
        answer: Row = self.connection.send("GET", self._path(f"/rollouts/{number}"), params=params)
        return answer

    def _path(self, below: str) -> str:
        return f"/apps/{quote(self.environment, safe='')}/{quote(self.name, safe='')}{below}"

    def _followed(self, below: str, params: Mapping[str, str]) -> Iterator[Row]:
        from stratum.client.following import follow  # most commands follow nothing

        return follow(self.connection, self._path(below), params)

    def _send(self, method: str, below: str, json: object = None) -> Row:
        answer: Row = self.connection.send(method, self._path(below), json=json)
        return answer

    def _list(self, below: str) -> list[Row]:
        answer: list[Row] = self.connection.send("GET", self._path(below))
        return answer

    def _stream(self, below: str, params: Mapping[str, str]) -> Iterator[bytes]:
        return self.connection.stream(self._path(below), params)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _events_wanted(target: str | None, lines: int) -> dict[str, str]:
    wanted = {"lines": str(lines)}
    return wanted if target is None else {**wanted, "target": target}
