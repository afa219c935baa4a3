"""The job behind a nudge: fetch what an app's web hooks have told of, until nothing is left that is due.

A delivery stays queued until it has come to its end, so that a fetcher may be killed at any point: the next
one begins anew, and meets what is done already.
"""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache

from hooks.parts import Parts
from hooks.policy import BRANCHES, ZERO
from hooks.refs import read_ref
from hooks.upstream.waiting import Held, Red, TooLate
from hooks.webhooks.checking import NotDeployed, await_green, checked_commit
from hooks.webhooks.deciding import deploy_branch
from hooks.webhooks.ending import Ended, Fetching
from hooks.webhooks.fetching import FetchFailed, Scratch
from hooks.webhooks.filters import asks_to_skip, choose_any
from hooks.webhooks.pushing import Push, PushRefused, build_of
from hooks.webhooks.reviewing import follow
from hooks.webhooks.steps import fetched, present, pushed, scratch_for
from stratum.errors import Conflict, InvalidInput, Unavailable
from stratum.faults import reach
from stratum.instance import Instance
from stratum.model import DeliveryState, RecordedDelivery, RefUpdate, Webhook
from stratum.ownership import exclusive
from stratum.queue import Nudges
from stratum.store import Database, deliveries, upstreams

log = logging.getLogger(__name__)

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


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

    What is told of pull requests has a lock of its own: no fork is to hold up what the app itself runs.
    """
    for of_pulls in (False, True):
        _fetch_all(found, app_id, of_pulls=of_pulls)


def _fetch_all(found: Parts, app_id: int, *, of_pulls: bool) -> None:
    """Fetch what is due of one kind.

    A nudge that comes while the lock is held does nothing, so who has held it looks again afterwards.
    """
    lock = found.instance.layout.locks / f"fetch-{app_id}{'-pulls' if of_pulls else ''}"
    again = True
    while again:
        with exclusive(lock) as held:
            if not held:
                return
            while due := _due(found, app_id, of_pulls=of_pulls):
                _do(found, due)
        again = bool(_due(found, app_id, of_pulls=of_pulls))


def _due(found: Parts, app_id: int, *, of_pulls: bool) -> list[RecordedDelivery]:
    with found.database.read() as tx:
        return [one for one in deliveries.queued(tx, app_id) if (one.pull is not None) == of_pulls]


def _do(found: Parts, due: Iterable[RecordedDelivery]) -> None:
    """Do the first, and with it those that are the same work, of which the newest is told the outcome."""
    first, *others = due
    with found.database.read() as tx:
        waits = upstreams.get_upstream(tx, first.webhook_id).wait_for_ci
    if waits and first.pull is None:  # each commit has checks of its own
        _attempt(found, first)
        return
    same = [first, *(one for one in others if _subject(one) == _subject(first))]
    newest = max(same, key=_age)
    for one in same:
        if one is not newest:
            what = "pull request" if one.pull else "branch"
            reason = f"delivery {newest.id} of the same {what} came after it"
            Fetching(found, one).end(Ended(DeliveryState.IGNORED, reason, newer=newest.build))
    _attempt(found, newest)


def _subject(one: RecordedDelivery) -> tuple[int, str | int]:
    return one.webhook_id, one.pull.number if one.pull else one.branch


def _age(one: RecordedDelivery) -> tuple[datetime, int]:
    """Tell the newer of two: by the sender's clock where what it tells of may end, as a pull request."""
    return one.pull.at if one.pull and one.pull.at else _LONG_AGO, one.id


def _attempt(found: Parts, newest: RecordedDelivery) -> None:
    fetching = Fetching(found, newest)
    try:
        if newest.pull is None:
            _fetch(found, newest, fetching)
        else:
            follow(found, newest, newest.pull, fetching)
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
    app, webhook, upstream = present(found, delivery)
    if upstream.wait_for_ci:
        await_green(found, webhook, upstream, delivery)
    repo = found.instance.layout.repo(app.id)
    branch = deploy_branch(app, delivery.branch)
    fetching.begun(delivery.branch, webhook.clone_url)
    with scratch_for(found, app, fetching.check_wanted) as scratch:
        scratch.make(repo)
        new = fetched(found, (app, webhook), f"{BRANCHES}{delivery.branch}", scratch)
        fetching.has(new)
        old = read_ref(repo, f"{BRANCHES}{branch}")
        new = checked_commit(delivery, scratch, new, old) if upstream.wait_for_ci else new
        update = RefUpdate(f"{BRANCHES}{branch}", old, new)
        is_there = update.old == new
        if not is_there:
            _check_wanted(webhook, delivery, scratch, update)
            pack = scratch.path / "push.pack"
            pushed(found, Push(app, webhook, update, pack, fetching.number_to_push()), scratch)
    raise fetching.pushed(branch, build_of(found, app, branch, new))


def _check_wanted(webhook: Webhook, delivery: RecordedDelivery, scratch: Scratch, update: RefUpdate) -> None:
    if asks_to_skip(scratch.message(update.new)):
        raise Ended(DeliveryState.IGNORED, f"the newest commit of {delivery.branch} says [skip deploy]")
    if update.old == ZERO or not webhook.paths:
        return
    paths = scratch.differing(update.old, update.new)
    if paths is not None and not choose_any(webhook.paths, paths):
        raise Ended(DeliveryState.IGNORED, "nothing differs among its paths")
