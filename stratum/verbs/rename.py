"""Calling an app something else: at once for git and the API, by a release for what runs."""

from stratum.model import App
from stratum.store import Transaction, releases
from stratum.store.names import rename_app
from stratum.verbs.change import Change, check_queue
from stratum.verbs.release import release_again


def rename(tx: Transaction, app: App, name: str, *, who: str) -> Change:
    """Give an app another name, and record a release of what is wished, whose processes run under it.

    Raises:
        AlreadyExists: another app of the environment has the name.
        Conflict: processes of another app run under it, or too many changes wait already.
    """
    if name == app.name:
        return Change(changed=False, message=f"{app.label} is called that already; nothing changed.")
    rename_app(tx, app, name)
    wished = releases.wished_release(tx, app.id)
    if wished is None:
        return Change(changed=True)
    check_queue(tx, app)
    cause = f"rename to {name}"
    return release_again(tx, wished, cause=cause, who=who)
