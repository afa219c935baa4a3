"""Review apps: an app for each pull request of an app's source, made, updated and ended as that is told of.

Here is decided what there is to be; what it runs is fetched and pushed by `hooks.webhooks.reviewing`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from stratum.errors import Conflict, InvalidInput, NotFound
from stratum.model import (
    App,
    DeliveryState,
    NewDelivery,
    PullRequest,
    ReviewApp,
    ReviewPolicy,
    ReviewState,
    Webhook,
)
from stratum.names import checked_name
from stratum.store import (
    Transaction,
    deliveries,
    environments,
    formation,
    releases,
    reviews,
    volumes,
    webhooks,
)
from stratum.store.clock import now
from stratum.variables import NAME
from stratum.verbs.change import Change
from stratum.verbs.destroy import destroy

MOST, HIGHEST_MOST = 5, 100  # review apps of one app at once
TTL_DAYS, LONGEST_TTL_DAYS = 14, 3650
MAX_VARIABLES = 100  # that are lent by name
BRANCH = "main"  # of a review app whose parent has none yet
WHAT = "pull request"
APPROVAL = "approval"  # what a delivery is called that is a maintainer's word


@dataclass(frozen=True, slots=True)
class Followed:
    """What is to be done about a pull request.

    Attributes:
        wanted: whether a review app is to run it.
        reason: why not, a clause.
        ends: id of an app that is being destroyed for it; None: of none.
        waits: whether it is for a maintainer's word.
        commit: that alone may be run; empty: whatever the pull request is at.
        lends: whether the app is given what the policy has to lend.
    """

    wanted: bool
    reason: str = ""
    ends: int | None = None
    waits: bool = False
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


def policy_of(tx: Transaction, app: App) -> ReviewPolicy:
    """Return what an app wishes, or what it would if it were asked for no more than to begin."""
    usual = ReviewPolicy(
        app.id, enabled=False, most=MOST, variables=(), sealed_values=None, ttl_days=TTL_DAYS
    )
    return reviews.policy_of(tx, app.id) or usual


def change_policy(tx: Transaction, app: App, values: Mapping[str, object]) -> Change:
    """Change `enabled`, `most`, `variables`, `sealed_values` or `ttl_days`, for what is made from now on.

    Raises:
        InvalidInput: one of the names can be no variable's, or there are too many.
        Conflict: it is a review app itself.
    """
    if app.review is not None:
        message = f"{app.label} is a review app itself."
        raise Conflict(message, f"Enable them for its parent: {app.review.parent_name}.")
    before = policy_of(tx, app)
    wished = replace(before, **values)  # type: ignore[arg-type]  # the API's shape has seen to it
    _check_names(wished.variables)
    if wished == before:
        return Change(changed=False, message="It is so already; nothing changed.")
    reviews.set_policy(tx, wished)
    if not wished.enabled:
        said = (
            "Pull requests are given no review apps any more; those that there are go when they are closed."
        )
        return Change(changed=True, message=said)
    said = f"Pull requests are given review apps, up to {wished.most} at once."
    if not webhooks.list_webhooks(tx, app.id):
        said += " What tells of them comes first: stratum webhooks create."
    return Change(changed=True, message=said)


def find(tx: Transaction, app: App, number: int) -> ReviewApp:
    """Find a pull request that an app was told of.

    Raises:
        NotFound: it was not.
    """
    found = reviews.find_review(tx, app.id, number)
    if found is None:
        raise NotFound(WHAT, str(number), "stratum review-apps lists those that were told of.")
    return found


def follow(tx: Transaction, parent: App, webhook: Webhook, pull: PullRequest) -> Followed:
    """Have what was told of a pull request wished; asked again it changes nothing.

    Raises:
        Conflict: a pull request with this number is told of by another web hook.
    """
    known = reviews.find_review(tx, parent.id, pull.number)
    if known is not None and _is_late(known.pull, pull):
        return Followed(False, f"something later was told of pull request {pull.number} before")
    if pull.is_open and not policy_of(tx, parent).enabled:
        return Followed(False, "review apps are not enabled")
    known = _noted(tx, parent, webhook, pull, known)
    if not pull.is_open:
        return _ended(tx, known)
    return _from_fork(known) if pull.is_fork else Followed(True)


def app_for(tx: Transaction, parent: App, number: int) -> App:
    """Return the app of a pull request that is to have one, made now if there is none.

    Raises:
        InvalidName: its name would be none.
        Conflict: the name is another app's, there are as many review apps as there may be, the parent
            goes, or it was destroyed by hand since it was told of.
    """
    known = find(tx, parent, number)
    found = _app_of(tx, known)
    if found is not None:
        return found
    _check_wanted(tx, parent, known)
    _check_room(tx, parent)
    made = _made(tx, parent, checked_name("an app", name_for(parent, number)))
    reviews.change_review(tx, known.id, {"app_id": made.id, "parent_name": parent.name, "lent": []})
    again = environments.get_app(tx, made.id)
    assert again is not None
    return again


def approve(tx: Transaction, parent: App, number: int, word: Approval, *, who: str) -> PullRequest:
    """Let in the commit that a pull request from a fork is at, and have it fetched.

    Raises:
        NotFound: the app was told of no such pull request.
        Conflict: it needs nobody's word, cannot be fetched, is closed, or is at another commit.
    """
    known = find(tx, parent, number)
    webhook = None if known.webhook_id is None else webhooks.get_webhook(tx, known.webhook_id)
    if webhook is None or not webhook.enabled:
        message = f"Nobody tells of pull request {number} any more: its web hook is gone, or disabled."
        raise Conflict(message, "Enable it: stratum webhooks set ID --enable.")
    _check_approval(known, word)
    values = {"approved": known.pull.commit, "with_values": word.with_values, "state": ReviewState.OPEN.value}
    reviews.change_review(tx, known.id, values)
    queued, reason = DeliveryState.QUEUED, f"approved by {who}"
    what = (known.pull.branch, known.pull.commit, b"", None, known.pull)
    deliveries.record(tx, parent.id, webhook.id, NewDelivery("", APPROVAL, {}, 0, queued, reason, *what))
    return known.pull


def close(tx: Transaction, parent: App, number: int, *, who: str) -> Change:
    """End a pull request's review app by hand; news of the pull request make another.

    Raises:
        NotFound: the app was told of no such pull request.
    """
    known = find(tx, parent, number)
    reviews.change_review(tx, known.id, {"state": ReviewState.CLOSED.value})
    app = _app_of(tx, known)
    if app is None:
        return Change(changed=False, message=f"Pull request {number} has no review app.")
    return destroy(tx, app, app.name, who=who)


def forgotten(tx: Transaction, at: datetime) -> list[tuple[ReviewApp, App]]:
    """Return those of which nothing was heard for as long as their policy says."""
    found = []
    for known in reviews.with_apps(tx):
        policy, app = reviews.policy_of(tx, known.parent_id), _app_of(tx, known)
        if app is None or app.destroying or policy is None or not policy.ttl_days:
            continue
        if known.updated_at + timedelta(days=policy.ttl_days) <= at:
            found.append((known, app))
    return found


def end_forgotten(tx: Transaction, at: datetime) -> list[str]:
    """End these, and return what they are called: the news of a pull request's end may have been lost."""
    found = forgotten(tx, at)
    for known, app in found:
        reviews.change_review(tx, known.id, {"state": ReviewState.CLOSED.value})
        destroy(tx, app, app.name, who="")
    return [app.label for _, app in found]


def name_for(parent: App, number: int) -> str:
    """Return what a review app is called."""
    return f"{parent.name}-pr-{number}"


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


def _from_fork(known: ReviewApp) -> Followed:
    """Let in the commit that was approved, and no other: whoever forks can push whatever they like."""
    if not known.pull.ref:
        return Followed(False, "it comes from a fork, whose commits are not where this web hook fetches from")
    if not _is_approved(known, known.pull):
        how = f"stratum review-apps approve {known.number}"
        return Followed(False, f"it comes from a fork, and waits for a maintainer's word: {how}", waits=True)
    return Followed(True, commit=known.approved, lends=known.with_values)


def _app_of(tx: Transaction, known: ReviewApp) -> App | None:
    return None if known.app_id is None else environments.get_app(tx, known.app_id)


def _ended(tx: Transaction, known: ReviewApp) -> Followed:
    app = _app_of(tx, known)
    if app is None:
        return Followed(False, f"pull request {known.number} was closed, and has no review app")
    destroy(tx, app, app.name, who="")
    return Followed(False, f"pull request {known.number} was closed: {app.name} is destroyed", app.id)


def _check_wanted(tx: Transaction, parent: App, known: ReviewApp) -> None:
    """See that nobody has wished it away by now, nor its parent, with the review apps that that has had."""
    if known.state is ReviewState.CLOSED:
        message = f"Pull request {known.number} is to have no review app any more."
        raise Conflict(message, "Its next news make one.")
    found = environments.get_app(tx, parent.id)
    if found is None or found.destroying:
        message = f"{parent.label} is being destroyed."
        raise Conflict(message)


def _check_room(tx: Transaction, parent: App) -> None:
    most = policy_of(tx, parent).most
    if reviews.count_apps(tx, parent.id) >= most:
        message = f"{parent.label} has {most} review apps, and may have no more."
        hint = "Destroy one: stratum review-apps destroy NUMBER; or allow more: enable --limit N."
        raise Conflict(message, hint)


def _made(tx: Transaction, parent: App, name: str) -> App:
    """Make an app with its parent's settings, but no data, domains or variables of it."""
    home = parent.environment.name
    if environments.find_app(tx, home, name) or environments.find_former(tx, home, name):
        message = f"{home}/{name} is, or was, an app that is no review app of this pull request."
        raise Conflict(message, "Give that one another name, or have none for this pull request.")
    made = environments.add_app(tx, parent.environment, name)
    environments.set_deploy_branch(tx, made.id, parent.deploy_branch or BRANCH)
    sizes = ("max_push_bytes", "max_repo_bytes", "max_processes", "plain_http")
    kept = {size: getattr(parent, size) for size in sizes}
    environments.set_settings(tx, made.id, {**kept, "supersede_running": True})
    for target, settings in formation.get_formation(tx, parent.id).told.items():
        formation.tell(tx, made.id, target, settings)
    mounts = releases.mounts_in_force(tx, parent.id)
    for volume in volumes.list_volumes(tx, parent.id):
        if not volume.destroying:
            volumes.add_volume(tx, made.id, volume.name, mounts.get(volume.name, ""))
    return made


def _check_names(names: tuple[str, ...]) -> None:
    if len(names) > MAX_VARIABLES:
        message = f"{len(names)} variables are too many to be lent: {MAX_VARIABLES} are allowed."
        raise InvalidInput(message)
    wrong = next((name for name in names if not NAME.fullmatch(name)), None)
    if wrong is not None:
        message = f"{wrong[:80]!r} cannot name a variable."
        raise InvalidInput(message, "Give names with commas between: --vars LANGUAGE,FEATURES.")
