"""Web hooks of git servers: made, changed, their secrets exchanged, and their deliveries done once more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from stratum.errors import Conflict, NotFound
from stratum.model import (
    App,
    Credential,
    DeliveryState,
    NewDelivery,
    PullRequest,
    RecordedDelivery,
    Upstream,
    Webhook,
)
from stratum.store import Transaction, deliveries, reserved, statuses, upstreams, webhooks
from stratum.store.clock import now
from stratum.verbs import pulls
from stratum.verbs.change import Change
from stratum.verbs.pulls import Outcome
from stratum.webhooks import Provider, new_public_id, pusher_name

MAX_WEBHOOKS = 20  # of one app
WHAT = "web hook"
ROTATION = timedelta(days=1)  # for so long the secret before is live, too


@dataclass(frozen=True, slots=True)
class Access:
    """With what a source is fetched; of what is public, with nothing. See `Webhook`."""

    credential: Credential = Credential.NONE
    sealed: bytes | None = None
    deploy_keys: Sequence[str] = ()
    host_keys: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A web hook as it is wished; all was checked, and what is secret sealed, before.

    Attributes:
        sealed_secrets: `current`.
    """

    provider: Provider
    clone_url: str
    sealed_secrets: bytes
    branches: Sequence[str] = ()
    paths: Sequence[str] = ()
    access: Access = Access()


@dataclass(frozen=True, slots=True)
class Again:
    """What is to be fetched once more.

    Attributes:
        branch: empty: nothing is.
        commit: that its sender said it was at.
        pull: what it told of a pull request; None: it was about branches.
    """

    branch: str
    commit: str
    pull: PullRequest | None


def find(tx: Transaction, app: App, public_id: str) -> Webhook:
    """Find one of an app.

    Raises:
        NotFound: it has none that is called so.
    """
    found = webhooks.find_webhook(tx, public_id)
    if found is None or found.app_id != app.id:
        raise NotFound(WHAT, public_id, "These it has: stratum webhooks")
    return found


def create(tx: Transaction, app: App, wanted: Wanted, *, who: str) -> Webhook:
    """Add one; from now on it owns the app's deploy branch.

    Raises:
        Conflict: the app has as many as one may have, or is a review app.
    """
    if app.review is not None:
        message = f"{app.label} is a review app: it follows pull request {app.review.number}."
        raise Conflict(message, f"Have one for its parent: {app.review.parent_name}.")
    if len(webhooks.list_webhooks(tx, app.id)) >= MAX_WEBHOOKS:
        message = f"{app.label} has {MAX_WEBHOOKS} web hooks, and can have no more."
        raise Conflict(message, "Remove one: stratum webhooks destroy ID.")
    at = now()
    made = Webhook(
        id=0,
        app_id=app.id,
        public_id=new_public_id(),
        provider=wanted.provider,
        enabled=True,
        sealed_secrets=wanted.sealed_secrets,
        branches=tuple(wanted.branches),
        paths=tuple(wanted.paths),
        clone_url=wanted.clone_url,
        credential=wanted.access.credential,
        sealed_credential=wanted.access.sealed,
        created_by=who,
        created_at=at,
        rotated_at=at,
        deploy_keys=tuple(wanted.access.deploy_keys),
        host_keys=tuple(wanted.access.host_keys),
    )
    webhooks.add_webhook(tx, made)
    return find(tx, app, made.public_id)


def change(
    tx: Transaction, app: App, public_id: str, values: Mapping[str, object], upstream: Upstream | None = None
) -> Change:
    """Change `enabled`, `branches`, `paths`, `clone_url` or `host_keys`.

    Args:
        upstream: how its git server is spoken to from now on, checked; None: as before.

    Raises:
        NotFound: there is no such web hook.
        Conflict: it has a token or a deploy key, and the source would be on another server; or it is given
            host keys, and fetches by https.
    """
    found = find(tx, app, public_id)
    _check_server(found, str(values.get("clone_url", found.clone_url)))
    if "host_keys" in values and found.credential is not Credential.KEY:
        message = f"{public_id} needs no host key: its source is fetched by https."
        raise Conflict(message, "Leave it out.")
    before = {name: getattr(found, name) for name in values}
    if before == dict(values) and upstream in (None, upstreams.get_upstream(tx, found.id)):
        return Change(changed=False, message=f"{public_id} is so already; nothing changed.")
    stored = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    if stored:
        webhooks.change_webhook(tx, found.id, stored)
    if upstream is not None:
        upstreams.set_upstream(tx, upstream)
        statuses.touch_untold(tx, found.id)
    return Change(changed=True, message=f"Changed {public_id}.")


def rotate(tx: Transaction, app: App, public_id: str, sealed_secrets: bytes) -> None:
    """Give a web hook other secrets: `current`, and `previous`, which is live for a day.

    Raises:
        NotFound: there is no such web hook.
    """
    values = {"sealed_secrets": sealed_secrets, "rotated_at": now()}
    webhooks.change_webhook(tx, find(tx, app, public_id).id, values)


def live_secrets(webhook: Webhook, opened: Mapping[str, str], at: datetime) -> list[str]:
    """Return the secrets with which deliveries may be signed now."""
    previous = opened.get("previous", "") if at < webhook.rotated_at + ROTATION else ""
    return [secret for secret in (opened.get("current", ""), previous) if secret]


def destroy(tx: Transaction, app: App, public_id: str) -> Change:
    """Remove a web hook, with the record of its deliveries.

    Raises:
        NotFound: there is no such web hook.
    """
    webhooks.remove_webhook(tx, find(tx, app, public_id).id)
    return Change(changed=True, message=f"Removed the web hook {public_id}.")


def _check_server(webhook: Webhook, clone_url: str) -> None:
    """See that a token goes to no other server than the one that it was given for, nor there in the clear.

    A deploy key stays with the server whose host key is known, and what is without one has none to go by SSH.
    """
    before, after = _server(webhook.clone_url), _server(clone_url)
    is_open = webhook.credential is Credential.NONE and not after.startswith("ssh:")
    if before == after or is_open:
        return
    held = {Credential.TOKEN: "a token", Credential.KEY: "a deploy key", Credential.NONE: "no deploy key"}
    message = f"{webhook.public_id} has {held[webhook.credential]} for {before}, and not for {after}."
    raise Conflict(message, "Create another web hook for that source, and remove this one.")


def _server(clone_url: str) -> str:
    """Return who is asked at a URL, by which protocol and as whom; `git@host:path` is by SSH, too."""
    if "://" not in clone_url:
        return f"ssh://{clone_url.rpartition(':')[0]}"
    url = urlsplit(clone_url)
    return f"{url.scheme}://{url.netloc}"


def begin(tx: Transaction, app: App, webhook: Webhook, pull: PullRequest | None) -> Outcome:
    """Reserve the build of what a delivery tells of.

    Args:
        pull: that it tells of; None: a branch, which is to be fetched.
    """
    if pull is not None:
        return pulls.take(tx, app, webhook, pull)
    made = reserved.reserve(tx, app.id, pusher_name(webhook.public_id))
    return Outcome(DeliveryState.QUEUED, app=app, build=made.number)


def delivery(tx: Transaction, app: App, number: int) -> RecordedDelivery:
    """Find a delivery.

    Raises:
        NotFound: the app has none with this number, or no more.
    """
    found = deliveries.get_delivery(tx, app.id, number)
    if found is None:
        raise NotFound("delivery", str(number), "stratum webhooks deliveries lists them.")
    return found


def replay(tx: Transaction, app: App, number: int, wanted: Again) -> tuple[int, Outcome]:
    """Have fetched once more what a delivery told of.

    Args:
        wanted: what that comes to by now (`hooks.webhooks.replaying`).

    Returns:
        The number of the new record, and what becomes of it.

    Raises:
        NotFound: the app has no such delivery.
        Conflict: it names no branch to deploy, its web hook is disabled, or it is being done.
    """
    found = delivery(tx, app, number)
    webhook = webhooks.get_webhook(tx, found.webhook_id)
    if webhook is None or not webhook.enabled:
        message = "Its web hook is disabled."
        raise Conflict(message, "Enable it first: stratum webhooks set ID --enable.")
    if found.state is DeliveryState.REFUSED or not (wanted.branch or wanted.pull):
        message = f"Delivery {number} was {found.state}: {found.reason}."
        raise Conflict(message, "Have the sender send it again.")
    if found.state is DeliveryState.QUEUED:
        message = f"Delivery {number} is still being done."
        raise Conflict(message, "stratum webhooks deliveries shows what becomes of it.")
    outcome = begin(tx, app, webhook, wanted.pull)
    reason = f"replay of {number}" + (f": {outcome.reason}" if outcome.reason else "")
    what = (wanted.branch, wanted.commit, b"", outcome.build, wanted.pull, outcome.build_app_id)
    new = NewDelivery("", found.event, {}, 0, outcome.state, reason, *what)
    return deliveries.record(tx, app.id, webhook.id, new), outcome
