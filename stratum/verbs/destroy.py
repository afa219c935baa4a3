"""Ending an app: processes, routes and data; and with it its review apps."""

from stratum.errors import Conflict
from stratum.model import App
from stratum.store import Transaction, environments, reserved, reviews, rollouts
from stratum.verbs.change import Change


def destroy(tx: Transaction, app: App, confirm: str, *, who: str) -> Change:
    """Wish an app away; asked again it changes nothing.

    Args:
        confirm: the app's name, typed once more.

    Raises:
        Conflict: the name is another.
    """
    if confirm != app.name:
        message = f"{confirm!r} is not the name of this app, so nothing is destroyed."
        raise Conflict(message, f"Confirm with its name: {app.name}.")
    if app.review is not None:
        reserved.end_pull(tx, app.review.parent_id, app.review.number, f"{app.name} was destroyed")
    if app.destroying:
        return Change(changed=False, message=f"{app.label} is being destroyed already.")
    for review in reviews.list_reviews(tx, app.id):
        of_it = None if review.app_id is None else environments.get_app(tx, review.app_id)
        if of_it is not None:
            destroy(tx, of_it, of_it.name, who=who)
    environments.mark_destroying(tx, app.id)
    rollout = rollouts.add_rollout(tx, app.id, cause="destroy", who=who)
    return Change(changed=True, rollout=rollout.number)
