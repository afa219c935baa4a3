"""What is looked at before a ref moves: the repository as it is, and what was sent, in its quarantine."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from hooks.options import PushOptions
from hooks.policy import BRANCHES, ZERO, Judgement, Refusal, detail, short
from hooks.refs import names, read_ref
from hooks.verdict import Offer, Pusher
from stratum.errors import Conflict
from stratum.git import Commit
from stratum.instance import Instance
from stratum.model import App, RefUpdate


def inside(instance: Instance, app: App, offer: Offer) -> Mapping[str, str]:
    """Return the variables by which git finds the objects of an offer; it must not write with them."""
    if not offer.quarantine:
        return {}
    return {
        "GIT_OBJECT_DIRECTORY": offer.quarantine,
        "GIT_QUARANTINE_PATH": offer.quarantine,
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(instance.layout.repo(app.id) / "objects"),
    }


def check_places(instance: Instance, app: App, updates: Iterable[RefUpdate]) -> None:
    """See that each ref is where the push takes it to be.

    Raises:
        Conflict: one is not.
    """
    repo = instance.layout.repo(app.id)
    for update in updates:
        if read_ref(repo, update.ref) != update.old:
            message = f"{short(update.ref)} has moved since you looked: somebody else pushed to it."
            raise Conflict(message, "Fetch first, then push again.")


def in_the_way(instance: Instance, app: App, updates: Sequence[RefUpdate]) -> tuple[Refusal, ...]:
    """Why new refs cannot be made: a ref is a file, so that none can be below another."""
    made = [update.ref for update in updates if update.old == ZERO != update.new]
    if not made:
        return ()
    gone = {update.ref for update in updates if update.new == ZERO}
    there = (names(instance.layout.repo(app.id)) | set(made)) - gone
    found = ((ref, _obstacle(ref, there)) for ref in made)
    advice = "Choose another name, or delete what is in the way first."
    return tuple(
        Refusal(ref, f"{short(other)} is in the way of {short(ref)}", advice) for ref, other in found if other
    )


def _obstacle(ref: str, there: Collection[str]) -> str:
    """Name a ref above or below another; nothing when there is none."""
    parts = ref.split("/")
    above = ("/".join(parts[:count]) for count in range(2, len(parts)))
    below = (other for other in there if other.startswith(f"{ref}/"))
    return next((parent for parent in above if parent in there), "") or next(below, "")


def refusals(app: App, pusher: Pusher, judgement: Judgement) -> tuple[Refusal, ...]:
    """Why a push must not be taken, by policy and by who pushes."""
    if judgement.refusals or judgement.deploying is None or pusher.may_deploy:
        return judgement.refusals
    ref = judgement.deploying.ref
    reason = f"your token may push to {app.label}, but not to {short(ref)}, which deploys"
    return (Refusal(ref, reason, "Push another branch, or ask for a token with the right to deploy."),)


def not_owner(pusher: Pusher, ref: str, webhook_id: str) -> tuple[Refusal, ...]:
    """Why the deploy branch must not be pushed: two that move one branch would undo each other's work.

    Args:
        webhook_id: of the web hook that the app is deployed by; empty: by those who push.
    """
    if not webhook_id or pusher.is_webhook:
        return ()
    reason = f"{short(ref)} is deployed by the web hook {webhook_id}, not by pushing here"
    advice = (
        "Push to the git server that the web hook is of; or take the branch back:"
        f" stratum webhooks set {webhook_id} --disable"
    )
    return (Refusal(ref, reason, advice),)


def not_for_review(app: App, pusher: Pusher, ref: str) -> tuple[Refusal, ...]:
    """Why the deploy branch of a review app must not be pushed: it is where its pull request is."""
    if app.review is None or pusher.is_webhook:
        return ()
    number, parent = app.review.number, app.review.parent_name
    reason = f"{short(ref)} follows pull request {number} of {parent}, not what is pushed here"
    return (Refusal(ref, reason, "Push to the branch that the pull request comes from."),)


def not_forward(instance: Instance, app: App, offer: Offer) -> tuple[Refusal, ...]:
    """Why the deploy branch of a protected app must not move so; nothing when it may."""
    ref = f"{BRANCHES}{app.deploy_branch}"
    update = next((update for update in offer.updates if update.ref == ref), None)
    if not app.protected or not app.deploy_branch or update is None or ZERO in (update.old, update.new):
        return ()
    commit = Commit(instance.layout.repo(app.id), update.new, inside(instance, app, offer))
    if commit.descends_from(update.old):
        return ()
    reason = f"{app.deploy_branch} only moves forward here, and this push leaves out commits that it has"
    advice = f"Merge or rebase onto it first; or allow it: stratum apps set {app.name} --no-protect"
    return (Refusal(ref, reason, advice),)


def without_effect(options: PushOptions, judgement: Judgement) -> tuple[str, ...]:
    """Tell a pusher who asked for something that only a push which deploys can have."""
    if judgement.deploying is not None or options == PushOptions():
        return ()
    return (detail("No ref of this push deploys, so its options have no effect."),)
