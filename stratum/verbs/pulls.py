"""What is told of a pull request: whether an app is to run it, and the build with which that begins.

Decided and recorded in the transaction of the delivery that tells of it, so that its sender learns the
build's number. What is built is fetched and pushed by `hooks.webhooks.reviewing`.
"""

from dataclasses import dataclass

from stratum.errors import Conflict, InvalidInput
from stratum.model import (
    App,
    DeliveryState,
    NewDelivery,
    PullRequest,
    RecordedDelivery,
    ReviewApp,
    ReviewState,
    Webhook,
)
from stratum.store import Transaction, deliveries, environments, reserved, reviews, webhooks
from stratum.store.clock import now
from stratum.store.reserved import Reserved
from stratum.verbs.destroy import destroy
from stratum.verbs.reviews import app_for, app_of, find, policy_of
from stratum.webhooks import pusher_name

APPROVAL = "approval"  # what a delivery is called that is a maintainer's word
OFF = "review apps are not enabled"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a delivery, of a pull request or another.

    Attributes:
        reason: a clause; empty where there is a build.
        app: that the build is of; None: there is no build.
        build: its number.
        ends: id of an app that is to be rolled out, as it is being destroyed; None: of none.
    """

    state: DeliveryState
    reason: str = ""
    app: App | None = None
    build: int | None = None
    ends: int | None = None

    @property
    def build_app_id(self) -> int | None:
        """Whose build it is."""
        return self.app.id if self.app else None


@dataclass(frozen=True, slots=True)
class Bringing:
    """What is to be brought to a review app.

    Attributes:
        commit: that alone may be run; empty: whatever the pull request is at.
        lends: whether the app is given what the policy has to lend.
    """

    app: App
    commit: str = ""
    lends: bool = True


@dataclass(frozen=True, slots=True)
class Approval:
    """A maintainer's word for a pull request.

    Attributes:
        commit: how the one begins that was looked at; empty: whatever it is known to be at.
        with_values: whether what the policy lends is lent to it, too.
    """

    commit: str = ""
    with_values: bool = False


def take(tx: Transaction, parent: App, webhook: Webhook, pull: PullRequest) -> Outcome:
    """Have what is told of a pull request wished, and reserve its build, in an app made now if there is none.

    What stands against that is the outcome: what was told is noted all the same.
    """
    try:
        against = follow(tx, parent, webhook, pull)
        if against is not None:
            return against
        with tx.begin_nested():  # an app that there is no number for is not to be half made
            return _begun(tx, parent, webhook, pull.number)
    except (Conflict, InvalidInput) as error:
        return Outcome(DeliveryState.FAILED, str(error).rstrip("."))


def take_again(tx: Transaction, parent: App, webhook: Webhook, delivery: RecordedDelivery) -> Outcome:
    """Do the same for one that is queued without a build, and give it that.

    So is what came while the app of the same pull request was being destroyed, or before there were builds
    of what is still to be fetched. One that is not queued any more is left as it is.
    """
    found = deliveries.get_delivery(tx, parent.id, delivery.id)
    if found is None or found.pull is None or found.state is not DeliveryState.QUEUED:
        return Outcome(DeliveryState.IGNORED, "it was given up")
    outcome = take(tx, parent, webhook, found.pull)
    if outcome.app is not None and outcome.build is not None:
        deliveries.give_build(tx, found.id, outcome.app.id, outcome.build)
    return outcome


def follow(tx: Transaction, parent: App, webhook: Webhook, pull: PullRequest) -> Outcome | None:
    """Have what was told of a pull request wished; asked again it changes nothing.

    Returns:
        None: an app is to run it.

    Raises:
        Conflict: a pull request with this number is told of by another web hook.
    """
    known = reviews.find_review(tx, parent.id, pull.number)
    if known is not None and _is_late(known.pull, pull):
        return _ignored(f"something later was told of pull request {pull.number} before")
    if pull.is_open and not policy_of(tx, parent).enabled:
        return _ignored(OFF)
    known = _noted(tx, parent, webhook, pull, known)
    if not pull.is_open:
        return _ended(tx, known)
    return _from_fork(known) if pull.is_fork else None


def bringing(tx: Transaction, parent: App, pull: PullRequest, build: Reserved) -> Bringing | str:
    """Return what is to be brought to the app that a build was reserved in, or why nothing is any more."""
    known, app = reviews.find_review(tx, parent.id, pull.number), environments.get_app(tx, build.app_id)
    if known is None or known.app_id != build.app_id or app is None or app.destroying:
        return f"the app of pull request {pull.number} was destroyed meanwhile"
    if not policy_of(tx, parent).enabled:
        return OFF
    if not (pull.is_fork or known.pull.is_fork):
        return Bringing(app)
    if not _is_approved(known, pull):
        return "another commit was approved meanwhile"
    return Bringing(app, known.approved, known.with_values)


def approve(
    tx: Transaction, parent: App, number: int, word: Approval, *, who: str
) -> tuple[PullRequest, Outcome]:
    """Let in the commit that a pull request from a fork is at, and have it fetched.

    Raises:
        NotFound: the app was told of no such pull request.
        Conflict: it needs nobody's word, cannot be fetched, is closed, is at another commit, or there may
            be no app for it.
        InvalidName: the name of its app would be none.
    """
    known = find(tx, parent, number)
    webhook = None if known.webhook_id is None else webhooks.get_webhook(tx, known.webhook_id)
    if webhook is None or not webhook.enabled:
        message = f"Nobody tells of pull request {number} any more: its web hook is gone, or disabled."
        raise Conflict(message, "Enable it: stratum webhooks set ID --enable.")
    if not policy_of(tx, parent).enabled:
        message = f"Review apps of {parent.label} are not enabled."
        raise Conflict(message, "Enable them: stratum review-apps enable.")
    _check_approval(known, word)
    values = {"approved": known.pull.commit, "with_values": word.with_values, "state": ReviewState.OPEN.value}
    reviews.change_review(tx, known.id, values)
    outcome = _begun(tx, parent, webhook, number)
    what = (known.pull.branch, known.pull.commit, b"", outcome.build, known.pull, outcome.build_app_id)
    new = NewDelivery("", APPROVAL, {}, 0, DeliveryState.QUEUED, f"approved by {who}", *what)
    deliveries.record(tx, parent.id, webhook.id, new)
    return known.pull, outcome


def _begun(tx: Transaction, parent: App, webhook: Webhook, number: int) -> Outcome:
    app = app_for(tx, parent, number)
    if app.destroying:
        return Outcome(DeliveryState.QUEUED, f"{app.label} is still being destroyed")
    made = reserved.reserve(tx, app.id, pusher_name(webhook.public_id, number))
    return Outcome(DeliveryState.QUEUED, app=app, build=made.number)


def _check_approval(known: ReviewApp, word: Approval) -> None:
    number, pull = known.number, known.pull
    if not pull.is_open:
        message = f"Pull request {number} is closed."
        raise Conflict(message, "Approve it once it is open again.")
    if not pull.is_fork or not pull.ref:
        message = f"Pull request {number} does not come from a fork, and needs nobody's word."
        if pull.is_fork:
            message = f"What pull request {number} has is not where its web hook fetches from."
        raise Conflict(message, "Push its branch to the repository itself.")
    if not pull.commit:
        message = f"It is not known at which commit pull request {number} is."
        raise Conflict(message, "Have the sender tell of it again.")
    if not pull.commit.startswith(word.commit):
        message = f"Pull request {number} is at {pull.commit[:12]} by now, not at {word.commit}."
        raise Conflict(message, "Look at that, and approve it, or leave it.")


def _is_late(known: PullRequest, told: PullRequest) -> bool:
    """Whether later news are known; of two that are as old the end counts."""
    if known.at is None or told.at is None or told.at > known.at:
        return False
    return told.at < known.at or (told.is_open and not known.is_open)


def _noted(
    tx: Transaction, parent: App, webhook: Webhook, pull: PullRequest, known: ReviewApp | None
) -> ReviewApp:
    state = ReviewState.OPEN if pull.is_open else ReviewState.CLOSED
    if pull.is_open and pull.is_fork and (known is None or not _is_approved(known, pull)):
        state = ReviewState.WAITING
    if known is None:
        reviews.forget_ended(tx, now() - reviews.KEPT)
        reviews.add_review(tx, (parent.id, parent.name), webhook.id, pull, state)
        return find(tx, parent, pull.number)
    if known.webhook_id not in (None, webhook.id) and known.state is not ReviewState.CLOSED:
        message = f"Pull request {pull.number} is told of by another web hook, of another source or the same."
        raise Conflict(message, "Have only one of them tell of pull requests.")
    values = {"state": state.value, "pull": pull.render(), "webhook_id": webhook.id}
    reviews.change_review(tx, known.id, values)
    return find(tx, parent, pull.number)


def _is_approved(known: ReviewApp, pull: PullRequest) -> bool:
    """Whether the very commit was that a pull request is said to be at; one that is not said never was."""
    return bool(known.approved) and known.approved == pull.commit


def _from_fork(known: ReviewApp) -> Outcome | None:
    """Let in the commit that was approved, and no other: whoever forks can push whatever they like."""
    if not known.pull.ref:
        return _ignored("it comes from a fork, whose commits are not where this web hook fetches from")
    if _is_approved(known, known.pull):
        return None
    how = f"stratum review-apps approve {known.number}"
    waits = f"it comes from a fork, and waits for a maintainer's word: {how}"
    return Outcome(DeliveryState.DONE, waits)


def _ended(tx: Transaction, known: ReviewApp) -> Outcome:
    closed = f"pull request {known.number} was closed"
    reserved.end_pull(tx, known.parent_id, known.number, closed)
    app = app_of(tx, known)
    if app is None:
        return _ignored(f"{closed}, and has no review app")
    destroy(tx, app, app.name, who="")
    return Outcome(DeliveryState.DONE, f"{closed}: {app.name} is destroyed", ends=app.id)


def _ignored(reason: str) -> Outcome:
    return Outcome(DeliveryState.IGNORED, reason)
