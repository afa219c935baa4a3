"""Showing an app's visitors a page instead of the app, which runs on."""

from stratum.model import App
from stratum.store import Transaction, environments
from stratum.verbs.change import Change


def set_maintenance(tx: Transaction, app: App, *, on: bool) -> Change:
    """Wish the page, or the app; no rollout is needed, nor waited for."""
    word = "on" if on else "off"
    if app.maintenance == on:
        return Change(changed=False, message=f"Maintenance of {app.label} is {word} already.")
    environments.set_maintenance(tx, app.id, on=on)
    to_see = "a page that says so" if on else "the app again"
    return Change(
        changed=True, message=f"Maintenance of {app.label} is {word}: within seconds visitors get {to_see}."
    )
