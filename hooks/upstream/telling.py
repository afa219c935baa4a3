"""Telling a git server once what becomes of a commit; it is taken before, so that a kill leaves it due."""

import logging
import random
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit

from hooks.outgoing.backoff import again_after_s
from hooks.outgoing.http import Answer, Request, ask
from hooks.outgoing.reach import Allowed
from hooks.upstream.api import Credential, repository, signed_in
from hooks.upstream.statuses import Said, is_known_already, status
from hooks.upstream.verdict import Subject, shortened, verdict
from hooks.webhooks.source import allowed_hosts
from stratum.door.wayout.hosts import Place
from stratum.errors import InvalidInput
from stratum.instance import Instance
from stratum.model import App, CommitStatus, Upstream, Webhook
from stratum.secrets import unseal
from stratum.store import (
    Database,
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
from stratum.store.clock import in_seconds, now

log = logging.getLogger(__name__)

LOST_AFTER_S = 120.0  # more than a request takes, a slow look-up of the name included
_OURS = "Stratum itself failed to send it; the server's log says why"


def tell(instance: Instance, db: Database, due: CommitStatus) -> None:
    """Tell what there is to say, if that is not what was told, and note how it went.

    Raises:
        Unavailable: the database or the key cannot be used; it stays due.
    """
    with db.write(synced=False) as tx:
        taken = statuses.begin(tx, due, in_seconds(LOST_AFTER_S))
        said = None if taken is None else _said(tx, instance, taken)
        if taken is None:
            return
        if said is None:
            statuses.settle(tx, taken)
            return
        webhook, upstream = (
            webhooks.get_webhook(tx, taken.webhook_id),
            upstreams.get_upstream(tx, taken.webhook_id),
        )
    assert webhook is not None  # the status would have gone with it
    answer = _answer(instance, webhook, upstream, said)
    with db.write() as tx:
        if answer.error:
            again_at = _again_at(taken, answer)
            statuses.record_failure(tx, taken, answer.status, answer.error, again_at)
        else:
            statuses.record_told(tx, taken, said.verdict.value, answer.status)
    log.info("status %s of %s: %s", said.verdict, said.commit, answer.error or answer.status)


def allowed(instance: Instance) -> Allowed:
    """Return the hosts that may be asked wherever they are: those that sources may be fetched from."""
    places = allowed_hosts(instance.settings.fetch_hosts)

    def allow_private(host: str, port: int) -> bool:
        return bool({Place(host, port), Place(host, None)} & places)

    return Allowed("STRATUM_FETCH_HOSTS", allow_private)


def credential(instance: Instance, webhook: Webhook, upstream: Upstream) -> Credential:
    """Return with what a git server's API is signed in to."""
    sealed = upstream.sealed_token or webhook.sealed_credential
    opened = unseal(instance.layout.config_key, sealed)
    return Credential(opened.get("user", ""), opened.get("password", ""))


def _said(tx: Transaction, instance: Instance, taken: CommitStatus) -> Said | None:
    """Look up what there is to say; None: that was told."""
    app = environments.get_app(tx, taken.app_id)
    webhook = webhooks.get_webhook(tx, taken.webhook_id)
    if app is None or webhook is None:
        return None
    found, description = verdict(_subject(tx, taken))
    if (found.value, taken.build) == (taken.told, taken.told_build):
        return None
    key = f"stratum-{webhook.public_id}"
    url = _page(instance, app, taken)
    return Said(taken.commit, found, description, url, taken.context, key, taken.branch)


def _subject(tx: Transaction, taken: CommitStatus) -> Subject:
    build = None if taken.build is None else builds.find_build(tx, taken.app_id, taken.build)
    rollout = None if build is None else rollouts.rollout_of_build(tx, build.id)
    release_id = None if rollout is None else rollout.release_id
    version = None if release_id is None else releases.get_release(tx, release_id).version
    number = taken.delivery
    delivery = None if number is None else deliveries.get_delivery(tx, taken.app_id, number)
    return Subject(build, rollout, version, delivery)


def _page(instance: Instance, app: App, taken: CommitStatus) -> str:
    """Return where a browser shows the log of the build, or why it did not come to one."""
    at = f"{instance.own_url}/api/apps/{quote(app.label)}"
    if taken.build is None:
        return f"{at}/webhooks/deliveries/{taken.delivery}"
    return f"{at}/builds/{taken.build}/log"


def _answer(instance: Instance, webhook: Webhook, upstream: Upstream, said: Said) -> Answer:
    try:
        found = repository(webhook.provider, webhook.clone_url, upstream.api_url)
        sent = status(webhook.provider, found, said)
        headers = signed_in(webhook.provider, credential(instance, webhook, upstream))
        url = urlsplit(f"{found.base}{sent.below}")
        answer = ask(Request("POST", url, headers, sent.body), allowed(instance))
    except InvalidInput as error:
        return Answer(None, error.message.rstrip("."))
    except Exception:  # else it would be due again for ever
        log.exception("telling of %s failed", said.commit)
        return Answer(None, _OURS)
    if is_known_already(webhook.provider, answer.status, answer.text):
        return replace(answer, error="")
    said_of_it = shortened(answer.text)
    return replace(answer, error=f"{answer.error}: {said_of_it}") if answer.error and said_of_it else answer


def _again_at(taken: CommitStatus, answer: Answer) -> datetime | None:
    wait_s = again_after_s(taken.attempts, random.random(), answer.again_after_s)
    return None if wait_s is None else now() + timedelta(seconds=wait_s)
