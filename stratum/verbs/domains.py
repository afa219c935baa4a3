"""Domains of an app's own: the router sends what is asked of them where the app's address leads."""

from stratum.domains import MAX_DOMAINS
from stratum.errors import Conflict, NotFound
from stratum.model import App
from stratum.store import Transaction, domains
from stratum.verbs.change import Change


def add_domain(tx: Transaction, app: App, name: str) -> Change:
    """Wish a domain, checked before.

    Raises:
        AlreadyExists: another app has it.
        Conflict: the app has as many as one may have.
    """
    if domains.owner_of(tx, name) == app.id:
        return Change(changed=False, message=f"{name} leads to {app.label} already; nothing changed.")
    if domains.count_domains(tx, app.id) >= MAX_DOMAINS:
        message = f"{app.label} has {MAX_DOMAINS} domains, and cannot have more."
        raise Conflict(message, "Remove one: stratum domains remove NAME.")
    domains.add_domain(tx, app.id, name)
    return Change(
        changed=True,
        message=f"{name} leads to {app.label} within seconds, once its DNS leads to this server.",
    )


def remove_domain(tx: Transaction, app: App, name: str) -> Change:
    """Wish a domain away.

    Raises:
        NotFound: the app has none that is called so.
    """
    if not domains.remove_domain(tx, app.id, name):
        raise NotFound("domain", name, "These it has: stratum domains")
    return Change(changed=True, message=f"{name} does not lead to {app.label} any more, within seconds.")
