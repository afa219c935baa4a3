"""What a pull request is at, brought to its review app: the app made, given variables, and pushed to.

All of it may be done again, and is where a fetcher was killed: what is there already is met and left.
"""

from dataclasses import dataclass

from hooks.parts import Parts
from hooks.policy import BRANCHES
from hooks.refs import read_ref
from hooks.webhooks.ending import Ended, Fetching
from hooks.webhooks.fetching import FetchFailed, Scratch
from hooks.webhooks.outfitting import Outfit, outfit
from hooks.webhooks.pushing import Push, build_of, pusher
from hooks.webhooks.steps import fetched, present, pushed, scratch_for
from stratum.faults import reach
from stratum.git import Commit, read_review_setup
from stratum.model import App, DeliveryState, PullRequest, RecordedDelivery, RefUpdate, Webhook
from stratum.store import statuses
from stratum.verbs import reviews
from stratum.verbs.reviews import Followed


@dataclass(frozen=True, slots=True)
class _Review:
    """A pull request that is brought to its app."""

    parent: App
    webhook: Webhook
    app: App
    pull: PullRequest
    told: Followed


def follow(found: Parts, delivery: RecordedDelivery, pull: PullRequest, fetching: Fetching) -> None:
    """Do what was told of a pull request; ends by raising."""
    parent, webhook, _ = present(found, delivery)
    with found.database.write() as tx:
        told = reviews.follow(tx, parent, webhook, pull)
    reach("review.noted")
    if told.ends is not None:
        found.nudges.rollout(told.ends)
        raise Ended(DeliveryState.DONE, told.reason)
    if not told.wanted:
        raise Ended(DeliveryState.DONE if told.waits else DeliveryState.IGNORED, told.reason)
    with found.database.write() as tx:
        app = reviews.app_for(tx, parent, pull.number)
    reach("review.made")
    if app.destroying:
        reason = f"{app.label} is still being destroyed"
        raise FetchFailed(reason)
    commit, lacks = _bring(found, _Review(parent, webhook, app, pull, told), fetching)
    build = build_of(found, app, str(app.deploy_branch), commit)
    if build is not None:
        with found.database.write() as tx:
            statuses.note_review(tx, app, webhook.id, build, pull.branch)
    reason = f"{app.name}, build #{build.number}" if build else app.name
    if lacks:
        reason += f"; it lacks {', '.join(lacks)}, which its app.json requires"
    raise Ended(DeliveryState.PUSHED, reason)


def _bring(found: Parts, one: _Review, fetching: Fetching) -> tuple[str, tuple[str, ...]]:
    """Fetch what a pull request is at and push it to its app; return the commit, and what the app lacks."""
    app, layout = one.app, found.instance.layout
    repo, ref = layout.repo(app.id), f"{BRANCHES}{app.deploy_branch}"
    with scratch_for(found, app, fetching.check_wanted) as scratch:
        scratch.make(repo, layout.repo(one.parent.id))
        tip = fetched(found, (app, one.webhook), one.pull.ref, scratch)
        new = _allowed(tip, one.told.commit, one.pull, scratch)
        update = RefUpdate(ref, read_ref(repo, ref), new)
        wanted = Push(app, one.webhook, update, scratch.path / "push.pack")
        setup = read_review_setup(Commit(scratch.path, new))
        lacks = outfit(found, one.parent, app, Outfit(setup, one.told.lends, pusher(wanted)))
        reach("review.outfitted")
        if update.old != new:
            pushed(found, wanted, scratch)
    return new, lacks


def _allowed(tip: str, approved: str, pull: PullRequest, scratch: Scratch) -> str:
    """Return the commit that may be run: where the pull request is, or of a fork's the one approved.

    Raises:
        FetchFailed: what was approved is not of it, or not yet.
    """
    if approved in ("", tip):
        return tip
    if not scratch.leads_to(tip, approved):
        reason = f"pull request {pull.number} does not have {approved[:12]}, which was approved"
        raise FetchFailed(reason)
    return approved
