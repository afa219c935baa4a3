"""The steps of a fetcher's work: a place, a fetch into it, a push out of it."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

from hooks import quota
from hooks.parts import Parts
from hooks.policy import ZERO, short
from hooks.refs import read_ref
from hooks.webhooks.ending import Ended
from hooks.webhooks.fetching import FetchFailed, FetchTooLarge, Scratch, Way, by_https, checked_address
from hooks.webhooks.pushing import Push, PushRefused, push
from hooks.webhooks.source import Source, allowed_hosts, checked_source, is_allowed
from hooks.webhooks.ssh.calling import by_ssh
from stratum.disk import below_floor
from stratum.faults import reach
from stratum.limits import Limits
from stratum.model import App, DeliveryState, RecordedDelivery, Upstream, Webhook
from stratum.queue import waiting
from stratum.secrets import unseal
from stratum.store import environments, upstreams, webhooks

TIMEOUT_S = 900  # of a fetch


def present(found: Parts, delivery: RecordedDelivery) -> tuple[App, Webhook, Upstream]:
    """Find the app and the web hook of a delivery, and what is asked of its git server besides.

    Raises:
        Ended: one is gone, or the web hook is disabled.
    """
    with found.database.read() as tx:
        app = environments.get_app(tx, delivery.app_id)
        webhook = webhooks.get_webhook(tx, delivery.webhook_id)
        upstream = upstreams.get_upstream(tx, delivery.webhook_id)
    if app is None or app.destroying or webhook is None or not webhook.enabled:
        raise Ended(DeliveryState.FAILED, "the web hook was disabled meanwhile")
    return app, webhook, upstream


def fetched(found: Parts, whose: tuple[App, Webhook], ref: str, scratch: Scratch) -> str:
    """Fetch a ref from where a web hook's source is; return the commit that it is at.

    Raises:
        InvalidInput: nothing is fetched from there.
        FetchFailed: it cannot be had, now.
        PushTooLarge: it is more than the app may be pushed.
    """
    app, webhook = whose
    allowed = allowed_hosts(found.instance.settings.fetch_hosts)
    source = checked_source(webhook.clone_url, allowed)
    address = checked_address(source, may_be_private=is_allowed(allowed, source))
    credential = unseal(found.instance.layout.config_key, webhook.sealed_credential)
    try:
        with _way(source, address, webhook, credential) as way, waiting():  # for a server that may be slow
            new = scratch.fetch(source, ref, way)
    except FetchTooLarge as error:
        raise quota.too_large(found.instance, app) from error
    reach("fetch.fetched")
    return new


def _way(
    source: Source, address: str, webhook: Webhook, credential: Mapping[str, str]
) -> AbstractContextManager[Way]:
    if source.is_by_ssh:
        return by_ssh(source, address, webhook, credential)
    return nullcontext(by_https(source, address, credential))


def pushed(found: Parts, wanted: Push, scratch: Scratch) -> None:
    """Push what was fetched.

    Raises:
        PushRefused: the app's repository does not take it.
        FetchFailed: it could not be pushed, now.
    """
    update = wanted.update
    scratch.pack(update.new, "" if update.old == ZERO else update.old, wanted.pack)
    try:
        with waiting():  # for the app's turn, and for the build where that decides
            push(found, wanted)
    except PushRefused as error:
        now_at = read_ref(found.instance.layout.repo(wanted.app.id), update.ref)
        if now_at == update.old:
            raise
        if now_at != update.new:  # where it is, a push of ours that was cut off before has moved it
            reason = f"{short(update.ref)} has moved meanwhile"
            raise FetchFailed(reason) from error
    reach("fetch.pushed")


@contextmanager
def scratch_for(found: Parts, app: App, look: Callable[[], None]) -> Iterator[Scratch]:
    """Give a place for a repository; the app's lock is held, so what is there was left by the dead.

    Args:
        look: called once a second meanwhile; what it raises ends what is done there.

    Raises:
        FetchFailed: the disk has no room for it.
    """
    settings, path = found.instance.settings, found.instance.layout.fetch(app.id)
    if below_floor(path.parent.parent, settings.min_free_bytes) is not None:
        reason = "the server's disk is nearly full"
        raise FetchFailed(reason)
    most = 2 * quota.max_input(found.instance, app)  # a pack grows by what its deltas are based on
    limits = replace(Limits.of(settings), timeout_s=TIMEOUT_S, file_bytes=most)
    shutil.rmtree(path, ignore_errors=True)
    try:
        yield Scratch(path, limits, look)
    finally:
        shutil.rmtree(path, ignore_errors=True)
