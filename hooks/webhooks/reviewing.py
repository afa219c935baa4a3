"""What a pull request is at, brought to its review app: the app made, given variables, and pushed to.

All of it may be done again, and is where a fetcher was killed: what is there already is met and left.
"""

from hooks.parts import Parts
from hooks.policy import BRANCHES
from hooks.refs import read_ref
from hooks.webhooks.ending import Ended, Fetching
from hooks.webhooks.fetching import FetchFailed
from hooks.webhooks.outfitting import outfit
from hooks.webhooks.pushing import Push, build_of, pusher
from hooks.webhooks.steps import fetched, present, pushed, scratch_for
from stratum.faults import reach
from stratum.model import App, DeliveryState, PullRequest, RecordedDelivery, RefUpdate, Webhook
from stratum.verbs import reviews


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
        raise Ended(DeliveryState.IGNORED, told.reason)
    with found.database.write() as tx:
        app = reviews.app_for(tx, parent, pull.number)
    reach("review.made")
    if app.destroying:
        reason = f"{app.label} is still being destroyed"
        raise FetchFailed(reason)
    commit = _bring(found, (parent, webhook), app, (pull, fetching))
    build = build_of(found, app, str(app.deploy_branch), commit)
    told_of = f"{app.name}, build #{build.number}" if build else app.name
    raise Ended(DeliveryState.PUSHED, told_of)


def _bring(found: Parts, whose: tuple[App, Webhook], app: App, told: tuple[PullRequest, Fetching]) -> str:
    """Fetch what a pull request is at and push it to its app; return the commit."""
    (parent, webhook), (pull, fetching) = whose, told
    repo, ref = found.instance.layout.repo(app.id), f"{BRANCHES}{app.deploy_branch}"
    with scratch_for(found, app, fetching.check_wanted) as scratch:
        scratch.make(repo, found.instance.layout.repo(parent.id))
        new = fetched(found, (app, webhook), pull.ref, scratch)
        update = RefUpdate(ref, read_ref(repo, ref), new)
        wanted = Push(app, webhook, update, scratch.path / "push.pack")
        outfit(found, parent, app, who=pusher(wanted))
        reach("review.outfitted")
        if update.old != new:
            pushed(found, wanted, scratch)
    return new
