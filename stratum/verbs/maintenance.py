"""Showing an app's visitors a page instead of the app, which runs on."""

from stratum.maintenance import NAME, NO_PAGE, OwnPage
from stratum.model import App
from stratum.store import Transaction, environments
from stratum.verbs.change import Change


def set_maintenance(tx: Transaction, app: App, *, on: bool, own: OwnPage = NO_PAGE) -> Change:
    """Wish the page, or the app; no rollout is needed, nor waited for.

    Args:
        own: the page of the code that runs.
    """
    word = "on" if on else "off"
    if app.maintenance == on:
        return Change(changed=False, message=f"Maintenance of {app.label} is {word} already.")
    environments.set_maintenance(tx, app.id, on=on)
    page = f"its {NAME}" if own.html else "a page that says so"
    to_see = page if on else "the app again"
    said = f"Maintenance of {app.label} is {word}: within seconds visitors get {to_see}."
    return Change(changed=True, message=f"{said} {own.refusal}".rstrip())
