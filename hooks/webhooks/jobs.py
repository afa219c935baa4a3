"""The job behind a nudge: fetch what an app's web hooks have told of, until nothing is left that is due.

A delivery stays queued until it has come to its end, so that a fetcher may be killed at any point: the next
one begins anew, and meets what is done already.
"""

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import cache

from hooks import quota
from hooks.parts import Parts
from hooks.policy import BRANCHES, ZERO, short
from hooks.refs import read_ref
from hooks.upstream.waiting import Held, Red, TooLate
from hooks.webhooks.checking import NotDeployed, await_green, checked_commit
from hooks.webhooks.deciding import deploy_branch
from hooks.webhooks.ending import Ended, Fetching
from hooks.webhooks.fetching import FetchFailed, FetchTooLarge, Scratch, Way, by_https, checked_address
from hooks.webhooks.filters import asks_to_skip, choose_any
from hooks.webhooks.pushing import Push, PushRefused, build_of, push
from hooks.webhooks.source import Source, allowed_hosts, checked_source, is_allowed
from hooks.webhooks.ssh.calling import by_ssh
from stratum.disk import below_floor
from stratum.errors import Conflict, InvalidInput, Unavailable
from stratum.faults import reach
from stratum.instance import Instance
from stratum.limits import Limits
from stratum.model import App, DeliveryState, RecordedDelivery, RefUpdate, Upstream, Webhook
from stratum.ownership import exclusive
from stratum.queue import Nudges, waiting
from stratum.secrets import unseal
from stratum.store import Database, deliveries, environments, upstreams, webhooks

log = logging.getLogger(__name__)

TIMEOUT_S = 900  # of a fetch


@cache
def parts() -> Parts:
    """Those of this process."""
    instance = Instance.open()
    return Parts(instance, Database.open(instance.layout.database), Nudges(instance.redis_url))


def run_fetches(app_id: int) -> None:
    """Fetch what is queued of an app, unless somebody on this host already does."""
    fetch_queued(parts(), app_id)


def fetch_queued(found: Parts, app_id: int) -> None:
    """Do the same with given parts.

    A nudge that comes while the lock is held does nothing, so who has held it looks again afterwards.
    """
    again = True
    while again:
        with exclusive(found.instance.layout.locks / f"fetch-{app_id}") as held:
            if not held:
                return
            while due := _due(found, app_id):
                _do(found, due)
        again = bool(_due(found, app_id))


def _due(found: Parts, app_id: int) -> list[RecordedDelivery]:
    with found.database.read() as tx:
        return deliveries.queued(tx, app_id)


def _do(found: Parts, due: Iterable[RecordedDelivery]) -> None:
    """Do the first, and with it those that are the same work, of which the newest is told the outcome."""
    first, *others = due
    with found.database.read() as tx:
        waits = upstreams.get_upstream(tx, first.webhook_id).wait_for_ci
    if waits:  # each commit has checks of its own
        _attempt(found, first)
        return
    same = (first.webhook_id, first.branch)
    *older, newest = first, *(one for one in others if (one.webhook_id, one.branch) == same)
    for one in older:
        reason = f"delivery {newest.id} of the same branch came after it"
        Fetching(found, one).end(Ended(DeliveryState.IGNORED, reason, newer=newest.build))
    _attempt(found, newest)


def _attempt(found: Parts, newest: RecordedDelivery) -> None:
    fetching = Fetching(found, newest)
    try:
        _fetch(found, newest, fetching)
    except Ended as end:
        fetching.end(end)
    except Held as held:
        fetching.hold(held.reason, held.until)
    except (NotDeployed, Red) as error:
        state = DeliveryState.FAILED if isinstance(error, TooLate) else DeliveryState.IGNORED
        fetching.end(Ended(state, error.reason))
    except (InvalidInput, Conflict, PushRefused) as error:
        reason = error.reason if isinstance(error, PushRefused) else str(error).rstrip(".")
        fetching.end(Ended(DeliveryState.FAILED, reason))
    except (FetchFailed, Unavailable, OSError) as error:
        fetching.put_off(getattr(error, "reason", "") or str(error).rstrip("."))
    except Exception:
        log.exception("delivery %d to app %d", newest.id, newest.app_id)
        fetching.put_off("an internal error; its cause is in the server's log")


def _fetch(found: Parts, delivery: RecordedDelivery, fetching: Fetching) -> None:
    """Fetch and push; ends by raising.

    What is deployed is what the branch is at now, not the commit that was told of: so deliveries may
    come late, twice or in another order, and the app ends at what its source is at. A web hook that waits
    for checks deploys the commit that these were of.
    """
    reach("fetch.begun")
    app, webhook, upstream = _present(found, delivery)
    if upstream.wait_for_ci:
        await_green(found, webhook, upstream, delivery)
    repo = found.instance.layout.repo(app.id)
    branch = deploy_branch(app, delivery.branch)
    fetching.begun(webhook.clone_url)
    with _scratch(found, app, fetching.check_wanted) as scratch:
        scratch.make(repo)
        try:
            new = _fetched(found, webhook, delivery.branch, scratch)
        except FetchTooLarge as error:
            raise quota.too_large(found.instance, app) from error
        reach("fetch.fetched")
        fetching.has(new)
        old = read_ref(repo, f"{BRANCHES}{branch}")
        new = checked_commit(delivery, scratch, new, old) if upstream.wait_for_ci else new
        update = RefUpdate(f"{BRANCHES}{branch}", old, new)
        is_there = update.old == new
        if not is_there:
            _check_wanted(webhook, delivery, scratch, update)
            pack = scratch.path / "push.pack"
            _push(found, Push(app, webhook, update, pack, fetching.number_to_push()), scratch)
    raise fetching.pushed(branch, build_of(found, app, branch, new))


def _present(found: Parts, delivery: RecordedDelivery) -> tuple[App, Webhook, Upstream]:
    with found.database.read() as tx:
        app = environments.get_app(tx, delivery.app_id)
        webhook = webhooks.get_webhook(tx, delivery.webhook_id)
        upstream = upstreams.get_upstream(tx, delivery.webhook_id)
    if app is None or app.destroying or webhook is None or not webhook.enabled:
        raise Ended(DeliveryState.FAILED, "the web hook was disabled meanwhile")
    return app, webhook, upstream


def _fetched(found: Parts, webhook: Webhook, branch: str, scratch: Scratch) -> str:
    allowed = allowed_hosts(found.instance.settings.fetch_hosts)
    source = checked_source(webhook.clone_url, allowed)
    address = checked_address(source, may_be_private=is_allowed(allowed, source))
    credential = unseal(found.instance.layout.config_key, webhook.sealed_credential)
    with _way(source, address, webhook, credential) as way, waiting():  # for a server that may be slow
        return scratch.fetch(source, branch, way)


def _way(
    source: Source, address: str, webhook: Webhook, credential: Mapping[str, str]
) -> AbstractContextManager[Way]:
    if source.is_by_ssh:
        return by_ssh(source, address, webhook, credential)
    return nullcontext(by_https(source, address, credential))


def _check_wanted(webhook: Webhook, delivery: RecordedDelivery, scratch: Scratch, update: RefUpdate) -> None:
    if asks_to_skip(scratch.message(update.new)):
        raise Ended(DeliveryState.IGNORED, f"the newest commit of {delivery.branch} says [skip deploy]")
    if update.old == ZERO or not webhook.paths:
        return
    paths = scratch.differing(update.old, update.new)
    if paths is not None and not choose_any(webhook.paths, paths):
        raise Ended(DeliveryState.IGNORED, "nothing differs among its paths")


def _push(found: Parts, wanted: Push, scratch: Scratch) -> None:
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
def _scratch(found: Parts, app: App, look: Callable[[], None]) -> Iterator[Scratch]:
    """Give a place for a repository; the app's lock is held, so what is there was left by the dead."""
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
