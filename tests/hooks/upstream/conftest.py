"""An app deployed by a web hook whose git server, on loopback, is told what becomes of commits."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from hooks.upstream.teller import Teller
from stratum.model import App, Build, BuildState, CommitStatus, DeliveryState, NewDelivery, Upstream, Webhook
from stratum.secrets import seal
from stratum.store import builds, deliveries, releases, reserved, rollouts, statuses, upstreams, webhooks
from stratum.store.clock import now
from stratum.verbs import webhooks as verbs
from stratum.webhooks import Provider
from tests.receiver import receiver
from tests.webside import COMMIT, SLUG, WebSide

TOKEN = "s3cret"


@dataclass
class Speaking:
    """What the tests do with it."""

    side: WebSide
    app: App
    teller: Teller
    place: str

    def hook(self, provider: str = "github", path: str = "/octo/app.git", **more: Any) -> Webhook:
        """Make a web hook whose git server is told statuses."""
        key = self.side.instance.layout.config_key
        sealed = seal(key, {"current": "x"})
        wanted = verbs.Wanted(Provider(provider), f"http://{self.place}{path}", sealed)
        with self.side.db.write() as tx:
            made = verbs.create(tx, self.app, wanted, who="admin")
            token = seal(key, {"user": "", "password": TOKEN})
            given = Upstream(made.id, statuses=True, sealed_token=token)
            upstreams.set_upstream(tx, replace(given, **more))
        return made

    def deliver(self, hook: Webhook, commit: str = COMMIT, *, failed: str = "") -> int:
        """Record a delivery, and that it has ended in a build, whose number is returned, or with a reason."""
        new = NewDelivery("", "push", {}, 2, DeliveryState.QUEUED, "", "main", commit)
        with self.side.db.write() as tx:
            number = deliveries.record(tx, self.app.id, hook.id, new)
            if failed:
                deliveries.end(tx, number, DeliveryState.FAILED, failed)
                return number
            build = builds.add_build(tx, self.app.id, commit, source="push", who="webhook:x")
            deliveries.end(tx, number, DeliveryState.PUSHED, "", build.number)
            return build.number

    def reserve(self, hook: Webhook, app: App | None = None) -> Build:
        """Record a delivery that is still to be fetched; return its build, of the app itself or another."""
        whose = (app or self.app).id
        with self.side.db.write() as tx:
            made = reserved.reserve(tx, whose, "webhook:x")
            new = NewDelivery(
                *("", "push", {}, 2, DeliveryState.QUEUED, "", "main", COMMIT),
                build=made.number,
                build_app_id=whose,
            )
            deliveries.record(tx, self.app.id, hook.id, new)
        return made

    def deliver_again(self, hook: Webhook, build: int) -> None:
        """Record a delivery whose commit was there already, and built."""
        new = NewDelivery("", "push", {}, 2, DeliveryState.QUEUED, "", "main", COMMIT)
        with self.side.db.write() as tx:
            number = deliveries.record(tx, self.app.id, hook.id, new)
            deliveries.end(tx, number, DeliveryState.PUSHED, "main was there already", build)

    def fetch_with(self, hook: Webhook, user: str, password: str) -> None:
        """Give a web hook a token to fetch with."""
        sealed = seal(self.side.instance.layout.config_key, {"user": user, "password": password})
        with self.side.db.write() as tx:
            webhooks.change_webhook(tx, hook.id, {"sealed_credential": sealed, "credential": "token"})

    def retry(self, hook: Webhook) -> None:
        """Have told once more what could not be told."""
        with self.side.db.write() as tx:
            statuses.touch_untold(tx, hook.id)

    def set(self, **settings_: Any) -> None:
        """Start anew with other settings."""
        settings = replace(self.side.instance.settings, **settings_)
        self.side.instance = replace(self.side.instance, settings=settings)
        self.teller = Teller(self.side.instance, self.side.db)

    def build_again(self) -> None:
        """Queue another build of the commit."""
        with self.side.db.write() as tx:
            builds.add_build(tx, self.app.id, COMMIT, source="retry", who="admin")

    def end_build(self, state: BuildState = BuildState.FAILED, error: str = "") -> None:
        """Have the app's oldest queued build end."""
        with self.side.db.write() as tx:
            claimed = builds.claim_next(tx, self.app.id, "1:1")
            assert claimed is not None
            builds.finish(tx, claimed, state, error=error)

    def release(self) -> None:
        """Have the app's oldest queued build succeed; its rollout is queued."""
        with self.side.db.write() as tx:
            claimed = builds.claim_next(tx, self.app.id, "1:1")
            assert claimed is not None
            made = releases.add_release(
                tx,
                self.app.id,
                slug=SLUG,
                commit=claimed.commit,
                targets=(),
                cause="push",
                who="admin",
                build_id=claimed.id,
            )
            rollouts.add_rollout(
                tx, self.app.id, cause="push", who="admin", release_id=made.id, build_id=claimed.id
            )
            builds.finish(tx, claimed, BuildState.SUCCEEDED, release_id=made.id)

    def look(self) -> None:
        """Look once, as the settler does each second, and wait for the end of what that began."""
        self.teller.look()
        self.teller.wait()

    def statuses(self, hook: Webhook) -> list[CommitStatus]:
        with self.side.db.read() as tx:
            return statuses.list_statuses(tx, hook.id, 100)

    def make_due(self) -> None:
        """Let the time pass until all that waits is due, and who is at work counts as dead."""
        at = now().replace(tzinfo=None).isoformat(" ")
        with self.side.db.write() as tx:
            for name in ("due_at", "busy_until"):
                tx.exec_driver_sql(f"UPDATE statuses SET {name} = ? WHERE {name} IS NOT NULL", (at,))


@pytest.fixture
def told():
    with receiver() as made:
        yield made


@pytest.fixture
def speaking(tmp_path_factory, told):
    side = WebSide.make(tmp_path_factory.mktemp("s") / "data")
    settings = replace(side.instance.settings, fetch_hosts="127.0.0.1", public_url="https://st.example/")
    side.instance = replace(side.instance, settings=settings)
    made = Speaking(side, side.app(), Teller(side.instance, side.db), told.place)
    yield made
    made.teller.wait()
    side.close()
