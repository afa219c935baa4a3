"""The way of a delivery: a web process, an app with a web hook, a git server elsewhere."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hooks.parts import Parts
from hooks.webhooks import jobs
from stratum.model import App, BuildState, RecordedDelivery
from stratum.queue import Nudges
from stratum.store import deliveries
from tests.deliveries import encoded, headers, push
from tests.gitweb import GitWeb
from tests.pulls import PULLS, Pull, pull_headers
from tests.sources import Source
from tests.sshd import Sshd


@dataclass
class Road:
    """A web process, an app with a web hook, and the repository that this is of."""

    web: GitWeb
    app: App
    source: Source | Sshd
    secret: str = ""
    path: str = ""
    provider: str = "github"
    _numbers: int = 0

    @property
    def parts(self) -> Parts:
        settings = replace(self.web.instance.settings, fetch_hosts="127.0.0.1")
        instance = replace(self.web.instance, settings=settings)
        return Parts(instance, self.web.db, Nudges(instance.redis_url))

    @property
    def elsewhere(self) -> Source:
        """The repository where it is served by HTTP."""
        assert isinstance(self.source, Source)
        return self.source

    def api(self, method: str, below: str, body: object = None, noun: str = "webhooks") -> dict[str, Any]:
        return self.ask(method, f"/{noun}{below}", body)

    def ask(self, method: str, below: str, body: object = None) -> dict[str, Any]:
        """Ask the API for something of the app."""
        return self.ask_of(self.app, method, below, body)

    def ask_of(self, app: App, method: str, below: str, body: object = None) -> dict[str, Any]:
        """Ask the API for something of another app."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web.port}/api/apps/{app.label}{below}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.web.secret}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            said: dict[str, Any] = json.load(answer)
            return said

    def hook(self, provider: str = "github", **more: object) -> str:
        made = self.api("POST", "", {"provider": provider, "clone_url": self.source.url, **more})
        self.secret, self.path, self.provider = made["secret"], made["path"], provider
        return str(made["id"])

    def deliver(
        self, body: dict[str, Any] | None = None, ident: str = "", event: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """Deliver a push, or an event of GitHub's."""
        self._numbers += 1
        data = encoded(push(self.provider) if body is None else body)
        sent = headers(self.provider, data, self.secret, ident or f"delivery-{self._numbers}")
        return self._sent(data, sent | ({"X-GitHub-Event": event} if event else {}))

    def tell(self, pull: Pull, ident: str = "") -> tuple[int, dict[str, Any]]:
        """Deliver what has happened to a pull request."""
        self._numbers += 1
        data = encoded(PULLS[self.provider](pull))
        ident = ident or f"delivery-{self._numbers}"
        return self._sent(data, pull_headers(self.provider, pull, data, self.secret, ident))

    def _sent(self, data: bytes, sent: dict[str, str]) -> tuple[int, dict[str, Any]]:
        url = f"http://127.0.0.1:{self.web.port}{self.path}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, sent), timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def fetch(self) -> RecordedDelivery:
        """Do what a fetcher does, and return the newest delivery."""
        self.fetch_all()
        return self.newest()

    def fetch_all(self) -> None:
        jobs.fetch_queued(self.parts, self.app.id)

    def newest(self) -> RecordedDelivery:
        with self.web.db.read() as tx:
            return deliveries.list_deliveries(tx, self.app.id, 1)[0]

    def put_off_no_longer(self) -> None:
        """Do as if the pause before the next attempt were over."""
        now = self.newest()
        with self.web.db.write() as tx:
            deliveries.put_off(tx, now.id, now.reason, now.received_at)

    def hold_no_longer(self) -> None:
        """Do as if all pauses were over."""
        with self.web.db.write() as tx:
            tx.exec_driver_sql("UPDATE deliveries SET next_at = received_at WHERE next_at IS NOT NULL")

    def make_older(self, by: timedelta) -> None:
        """Do as if all that waits had come sooner, and were due."""
        with self.web.db.write() as tx:
            moved = f"strftime('%Y-%m-%d %H:%M:%f', received_at, '-{by.total_seconds():.0f} seconds')"
            tx.exec_driver_sql(f"UPDATE deliveries SET received_at = {moved} WHERE next_at IS NOT NULL")
        self.hold_no_longer()

    def deployed(self) -> list[str]:
        return [build.commit for build in self.web.builds(self.app) if build.commit]

    def states(self) -> list[BuildState]:
        """Those of all builds, oldest first."""
        return [build.state for build in self.web.builds(self.app)]

    def log(self, build: int) -> str:
        return self.web.instance.layout.build_log(self.app.id, build).read_text()

    def cancel(self, build: int) -> None:
        self.api("POST", f"/{build}/cancel", noun="builds")
