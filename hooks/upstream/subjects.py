"""What is to be told of a commit or a build, looked up as it is now."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote

from hooks.upstream import deployments
from hooks.upstream.deployments import Deployment
from hooks.upstream.statuses import Said
from hooks.upstream.verdict import Subject, shortened, verdict
from stratum.hookscripts.runner import named
from stratum.instance import Instance
from stratum.model import App, Build, CommitStatus, RecordedDelivery, StatusKind, Upstream, Webhook
from stratum.store import (
    Transaction,
    builds,
    deliveries,
    environments,
    releases,
    rollouts,
    statuses,
    upstreams,
    webhooks,
)

PRODUCTION = "production"
_LookUp: TypeAlias = Callable[
    [Transaction, Instance, App, CommitStatus], tuple[str, Said] | tuple[str, Deployment]
]


@dataclass(frozen=True, slots=True)
class Saying:
    """What is to be told, and to whom.

    Attributes:
        word: that is remembered as what was told.
    """

    webhook: Webhook
    upstream: Upstream
    word: str
    what: Said | Deployment


def look_up(tx: Transaction, instance: Instance, taken: CommitStatus) -> Saying | None:
    """Look up what there is to say; None: that was told."""
    app = environments.get_app(tx, taken.app_id)
    webhook = webhooks.get_webhook(tx, taken.webhook_id)
    if app is None or webhook is None:
        return None
    upstream = upstreams.get_upstream(tx, webhook.id)
    word, what = _WHAT[taken.kind](tx, instance, app, taken)
    if (word, taken.build) == (taken.told, taken.told_build):
        return None
    return Saying(webhook, upstream, word, what)


def _status(tx: Transaction, instance: Instance, app: App, taken: CommitStatus) -> tuple[str, Said]:
    subject = _subject(tx, taken)
    found, description = verdict(subject)
    key = f"stratum-{_public_id(tx, taken)}"
    page = _page(instance, app, taken, subject.build)
    return found.value, Said(taken.commit, found, description, page, taken.context, key, taken.branch)


def _deployment(tx: Transaction, instance: Instance, app: App, taken: CommitStatus) -> tuple[str, Deployment]:
    subject = _subject(tx, taken)
    found, description = verdict(subject)
    current = None if app.current_release_id is None else releases.get_release(tx, app.current_release_id)
    newest = statuses.deployed_build(tx, app.id, taken.commit)
    is_current = current is not None and (current.commit, newest) == (taken.commit, taken.build)
    state = deployments.state(found, is_current=is_current)
    if state == deployments.INACTIVE:
        description = "" if current is None else f"v{current.version} is live."
    environment = app.environment
    return state, Deployment(
        taken.commit,
        f"Build #{taken.build} by Stratum web hook {_public_id(tx, taken)}",
        f"{app.name}.{environment.name}",
        environment.stage == PRODUCTION,
        state,
        shortened(description),
        _page(instance, app, taken, subject.build),
        named(app, instance)["url"],
    )


def _subject(tx: Transaction, taken: CommitStatus) -> Subject:
    delivery = _delivery(tx, taken)
    of = taken.build or (delivery.build if delivery and delivery.build_app_id == taken.app_id else None)
    build = None if of is None else builds.find_build(tx, taken.app_id, of)
    rollout = None if build is None else rollouts.rollout_of_build(tx, build.id)
    release_id = None if rollout is None else rollout.release_id
    version = None if release_id is None else releases.get_release(tx, release_id).version
    return Subject(build, rollout, version, delivery)


def _delivery(tx: Transaction, taken: CommitStatus) -> RecordedDelivery | None:
    """Find the newest that was of a commit: with what is a review app's, too, its parent's web hook."""
    webhook = webhooks.get_webhook(tx, taken.webhook_id)
    if webhook is None or taken.delivery is None:
        return None
    return deliveries.get_delivery(tx, webhook.app_id, taken.delivery)


def _public_id(tx: Transaction, taken: CommitStatus) -> str:
    webhook = webhooks.get_webhook(tx, taken.webhook_id)
    return "" if webhook is None else webhook.public_id


def _page(instance: Instance, app: App, taken: CommitStatus, build: Build | None) -> str:
    """Return where a browser shows the log of the build, or why it did not come to one."""
    at = f"{instance.own_url}/api/apps/{quote(app.label)}"
    number = taken.build or (build.number if build else None)
    if number is None:
        return f"{at}/webhooks/deliveries/{taken.delivery}"
    return f"{at}/builds/{number}/log"


_WHAT: Mapping[StatusKind, _LookUp] = {StatusKind.COMMIT: _status, StatusKind.DEPLOYMENT: _deployment}
