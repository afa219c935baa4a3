"""Review apps: what is wished of them, and how one is made, and ended by hand or for want of news.

What is told of pull requests makes and ends them: `stratum.verbs.pulls`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from stratum.errors import Conflict, InvalidInput, NotFound
from stratum.model import App, ReviewApp, ReviewPolicy, ReviewState
from stratum.names import checked_name
from stratum.store import (
    Transaction,
    environments,
    formation,
    releases,
    reserved,
    reviews,
    volumes,
    webhooks,
)
from stratum.variables import NAME
from stratum.verbs.change import Change
from stratum.verbs.destroy import destroy

MOST, HIGHEST_MOST = 5, 100  # review apps of one app at once
TTL_DAYS, LONGEST_TTL_DAYS = 14, 3650
MAX_VARIABLES = 100  # that are lent by name
BRANCH = "main"  # of a review app whose parent has none yet
WHAT = "pull request"


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


def app_of(tx: Transaction, known: ReviewApp) -> App | None:
    """Return a pull request's app, be it that it is being destroyed; None: it has none."""
    return None if known.app_id is None else environments.get_app(tx, known.app_id)


def app_for(tx: Transaction, parent: App, number: int) -> App:
    """Return the app of a pull request that is to have one, made now if there is none.

    Raises:
        InvalidName: its name would be none.
        Conflict: the name is another app's, there are as many review apps as there may be, or the parent
            goes.
    """
    known = find(tx, parent, number)
    found = app_of(tx, known)
    if found is not None:
        return found
    _check_parent(tx, parent)
    _check_room(tx, parent)
    made = _made(tx, parent, checked_name("an app", name_for(parent, number)))
    reviews.change_review(tx, known.id, {"app_id": made.id, "parent_name": parent.name, "lent": []})
    again = environments.get_app(tx, made.id)
    assert again is not None
    return again


def close(tx: Transaction, parent: App, number: int, *, who: str) -> Change:
    """End a pull request's review app by hand; news of the pull request make another.

    Raises:
        NotFound: the app was told of no such pull request.
    """
    known = find(tx, parent, number)
    reviews.change_review(tx, known.id, {"state": ReviewState.CLOSED.value})
    reserved.end_pull(tx, parent.id, number, "its review app was destroyed")
    app = app_of(tx, known)
    if app is None:
        return Change(changed=False, message=f"Pull request {number} has no review app.")
    return destroy(tx, app, app.name, who=who)


def forgotten(tx: Transaction, at: datetime) -> list[tuple[ReviewApp, App]]:
    """Return those of which nothing was heard for as long as their policy says."""
    found = []
    for known in reviews.with_apps(tx):
        policy, app = reviews.policy_of(tx, known.parent_id), app_of(tx, known)
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


def _check_parent(tx: Transaction, parent: App) -> None:
    """See that nobody has wished it away by now, with the review apps that it has had."""
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
