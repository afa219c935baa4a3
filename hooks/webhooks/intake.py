"""A delivery, from its arrival to its record: checked, read, decided, written down.

The order is part of the protection: before the signature is checked nothing is parsed, and only who knows
the secret learns more of a web hook than that the signature is wrong.
"""

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from hooks.parts import Parts
from hooks.policy import BRANCHES
from hooks.refs import read_ref
from hooks.webhooks.deciding import Decision, decide
from hooks.webhooks.delivery import Delivery
from hooks.webhooks.event import Event
from hooks.webhooks.providers import DIALECTS
from stratum.errors import NotFound, StratumError, Unavailable, WebhookDisabled
from stratum.faults import reach
from stratum.model import App, DeliveryState, NewDelivery, PullRequest, RecordedDelivery, Webhook
from stratum.secrets import unseal
from stratum.store import Transaction, deliveries, environments, reviews, webhooks
from stratum.store.clock import now
from stratum.verbs.pulls import Outcome
from stratum.verbs.reviews import policy_of
from stratum.verbs.webhooks import begin, live_secrets

log = logging.getLogger(__name__)

MAX_BODY_KEPT = 64 * 1024
MAX_ID, MAX_HEADERS, MAX_HEADER = 255, 50, 500
WHAT = "web hook"
MASKED = "(masked)"
REFUSED_EVERY_S = 1.0  # anybody who knows an address may send, and each record is a write
_SECRET = re.compile(r"token|auth|cookie|signature|secret|password|api-?key|^x-stratum")


@dataclass(frozen=True, slots=True)
class Taken:
    """What a sender is told.

    Attributes:
        number: of the record.
        build: number of the build that it leads to, or has led to; None: there is none.
        app: label of the app that this is of, its own or a review app's; empty: there is none, or no more.
        repeated: whether it was delivered before, so that nothing was done now.
    """

    number: int
    state: DeliveryState
    reason: str
    build: int | None = None
    app: str = ""
    repeated: bool = False


class Intake:
    """Takes the deliveries of all web hooks; one for each web process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._refused_at: dict[int, float] = {}

    def find(self, provider: str, public_id: str) -> tuple[App, Webhook]:
        """Find a web hook by its address.

        Raises:
            NotFound: there is none, of this provider.
        """
        with self._parts.database.read() as tx:
            found = webhooks.find_webhook(tx, public_id)
            app = None if found is None else environments.get_app(tx, found.app_id)
        if found is None or app is None or app.destroying or found.provider != provider:
            raise NotFound(WHAT, public_id[:MAX_ID])
        return app, found

    def take(self, app: App, webhook: Webhook, delivery: Delivery) -> Taken:
        """Take a delivery; on return what is to be done about it is on the disk.

        Raises:
            BadSignature: it is not signed with a secret of the web hook.
            WebhookDisabled: it is, but the web hook is switched off.
            DeliveryMalformed: it cannot be read.
            NotFound: the web hook is removed meanwhile.
        """
        key = self._parts.instance.layout.config_key
        dialect = DIALECTS[webhook.provider]
        secrets = live_secrets(webhook, unseal(key, webhook.sealed_secrets), now())
        try:
            dialect.check(delivery, secrets, now())
            if not webhook.enabled:
                raise WebhookDisabled
            event = dialect.read(delivery)
        except StratumError as error:
            self.refuse(webhook, delivery, getattr(error, "reason", error.message.rstrip(".")))
            raise
        return self._decided(app, webhook, delivery, event)

    def _decided(self, app: App, webhook: Webhook, delivery: Delivery, event: Event) -> Taken:
        decision = decide(app, webhook, event, places(self._parts, app))
        if decision.pull is not None and not self._follows(app, decision.pull):
            decision = Decision(None, "review apps are not enabled: stratum review-apps enable")
        new = record_of(delivery, event, decision)
        # What is ignored can be lost with the power: nobody was promised anything.
        with self._parts.database.write(synced=new.state is DeliveryState.QUEUED) as tx:
            if webhooks.get_webhook(tx, webhook.id) is None:
                raise NotFound(WHAT, webhook.public_id)
            earlier = deliveries.standing(tx, webhook.id, new.delivery_id)
            if earlier is not None:
                return _repeated(tx, earlier)
            outcome = Outcome(new.state, new.reason)
            if outcome.state is DeliveryState.QUEUED:
                outcome = begin(tx, app, webhook, new.pull)
            number = deliveries.record(tx, app.id, webhook.id, _with(new, outcome))
            woken = deliveries.wake(tx, webhook.id, event.checked) if event.checked else 0
        reach("delivery.recorded")
        if outcome.state is DeliveryState.QUEUED or woken:
            self._parts.nudges.fetch(app.id)
        if outcome.ends is not None:
            self._parts.nudges.rollout(outcome.ends)
        label = outcome.app.label if outcome.app else ""
        return Taken(number, outcome.state, outcome.reason, outcome.build, label)

    def _follows(self, app: App, pull: PullRequest) -> bool:
        with self._parts.database.read() as tx:
            is_known = reviews.find_review(tx, app.id, pull.number) is not None
            return is_known or policy_of(tx, app).enabled

    def refuse(self, webhook: Webhook, delivery: Delivery, reason: str) -> None:
        """Write down what was refused, so that its people find it, but not more often than now and then.

        Where it cannot be written, as on a full disk, the sender is told that it was refused all the same.
        """
        at = time.monotonic()
        if at - self._refused_at.get(webhook.id, float("-inf")) < REFUSED_EVERY_S:
            return
        self._refused_at[webhook.id] = at
        headers = shown_headers(delivery.headers)
        new = NewDelivery("", "", headers, len(delivery.body), DeliveryState.REFUSED, reason)
        try:
            with self._parts.database.write(synced=False) as tx:
                if webhooks.get_webhook(tx, webhook.id) is not None:
                    deliveries.record(tx, webhook.app_id, webhook.id, new)
        except Unavailable as error:
            log.warning("web hook %s refused a delivery, %s: %s", webhook.public_id, reason, error)


def places(parts: Parts, app: App) -> Callable[[str], str]:
    """Return what tells at which commit a branch of an app's own repository is."""
    repo = parts.instance.layout.repo(app.id)
    return lambda branch: read_ref(repo, f"{BRANCHES}{branch}")


def record_of(delivery: Delivery, event: Event, decision: Decision) -> NewDelivery:
    """Return what is to be recorded of a delivery that was checked and read."""
    is_queued = decision.change is not None or decision.pull is not None
    return NewDelivery(
        event.delivery_id[:MAX_ID],
        event.name[:MAX_ID],
        shown_headers(delivery.headers),
        len(delivery.body),
        DeliveryState.QUEUED if is_queued else DeliveryState.IGNORED,
        decision.reason,
        branch=decision.branch,
        commit=decision.commit,
        body=delivery.body if len(delivery.body) <= MAX_BODY_KEPT else b"",
        pull=decision.pull,
    )


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers as they may be shown, without secrets, and signatures, which could be sent again."""
    kept = sorted(headers.items())[:MAX_HEADERS]
    return {
        name[:MAX_HEADER]: MASKED if _SECRET.search(name) else _storable(value[:MAX_HEADER])
        for name, value in kept
    }


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _with(new: NewDelivery, outcome: Outcome) -> NewDelivery:
    return replace(
        new,
        state=outcome.state,
        reason=outcome.reason,
        build=outcome.build,
        build_app_id=outcome.build_app_id,
    )


def _repeated(tx: Transaction, earlier: RecordedDelivery) -> Taken:
    app = None if earlier.build_app_id is None else environments.get_app(tx, earlier.build_app_id)
    label, reason = app.label if app else "", "it was delivered before"
    return Taken(earlier.id, earlier.state, reason, earlier.build, label, repeated=True)
