"""What a pull request is at, brought to its review app: fetched, the app given variables, and pushed to.

All of it may be done again, and is where a fetcher was killed: what is there already is met and left.
"""

from dataclasses import dataclass

from hooks.parts import Parts
from hooks.policy import BRANCHES
from hooks.refs import read_ref
from hooks.webhooks.ending import Ended, Fetching
from hooks.webhooks.fetching import FetchFailed, Scratch
from hooks.webhooks.outfitting import Outfit, outfit
from hooks.webhooks.pushing import Push, build_of
from hooks.webhooks.steps import fetched, present, pushed, scratch_for
from stratum.faults import reach
from stratum.git import Commit, read_review_setup
from stratum.model import App, DeliveryState, PullRequest, RecordedDelivery, RefUpdate, Webhook
from stratum.store.reserved import Reserved
from stratum.verbs import pulls
from stratum.verbs.pulls import Bringing
from stratum.webhooks import pusher_name


@dataclass(frozen=True, slots=True)
class _Review:
    """A pull request that is brought to its app."""

    parent: App
    webhook: Webhook
    pull: PullRequest
    bringing: Bringing

    @property
    def app(self) -> App:
        """The review app."""
        return self.bringing.app


def follow(found: Parts, delivery: RecordedDelivery, pull: PullRequest, fetching: Fetching) -> None:
    """Bring what a pull request is at to the app that its build was reserved in; ends by raising."""
    parent, webhook, _ = present(found, delivery)
    if fetching.build is None:
        fetching.build = _reserved(found, parent, webhook, delivery)
    reach("review.made")
    fetching.check_wanted()
    with found.database.read() as tx:
        told = pulls.bringing(tx, parent, pull, fetching.build)
    if isinstance(told, str):
        raise Ended(DeliveryState.IGNORED, told)
    fetching.begun(f"pull request {pull.number} ({pull.branch})", webhook.clone_url)
    one = _Review(parent, webhook, pull, told)
    commit, lacks = _bring(found, one, fetching)
    build = build_of(found, one.app, str(one.app.deploy_branch), commit)
    raise _pushed(one, fetching.pushed(one.app.name, build), lacks)


def _reserved(found: Parts, parent: App, webhook: Webhook, delivery: RecordedDelivery) -> Reserved:
    """Reserve the build of what was recorded without one.

    Raises:
        Ended: it is to have none.
        FetchFailed: its app is still being destroyed.
    """
    with found.database.write() as tx:
        outcome = pulls.take_again(tx, parent, webhook, delivery)
    if outcome.ends is not None:
        found.nudges.rollout(outcome.ends)
    if outcome.state is not DeliveryState.QUEUED:
        raise Ended(outcome.state, outcome.reason)
    if outcome.app is None or outcome.build is None:
        raise FetchFailed(outcome.reason)
    return Reserved(outcome.app.id, outcome.build)


def _bring(found: Parts, one: _Review, fetching: Fetching) -> tuple[str, tuple[str, ...]]:
    """Fetch what a pull request is at and push it to its app; return the commit, and what the app lacks."""
    app, layout = one.app, found.instance.layout
    repo, ref = layout.repo(app.id), f"{BRANCHES}{app.deploy_branch}"
    with scratch_for(found, app, fetching.check_wanted) as scratch:
        scratch.make(repo, layout.repo(one.parent.id))
        tip = fetched(found, (app, one.webhook), one.pull.ref, scratch)
        new = _allowed(tip, one.bringing.commit, one.pull, scratch)
        fetching.has(new)
        update = RefUpdate(ref, read_ref(repo, ref), new)
        setup = read_review_setup(Commit(scratch.path, new))
        who = pusher_name(one.webhook.public_id, one.pull.number)
        lacks = outfit(found, one.parent, app, Outfit(setup, one.bringing.lends, who))
        reach("review.outfitted")
        if update.old != new:
            number = fetching.number_to_push()
            pushed(found, Push(app, one.webhook, update, scratch.path / "push.pack", number), scratch)
    return new, lacks


def _pushed(one: _Review, end: Ended, lacks: tuple[str, ...]) -> Ended:
    reason = end.reason or (one.app.name if end.build is None else f"{one.app.name}, build #{end.build}")
    if lacks:
        reason += f"; it lacks {', '.join(lacks)}, which its app.json requires"
    return Ended(end.state, reason, end.build)


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
