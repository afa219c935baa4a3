"""Storage: folders of an app that outlive its releases, mounted where its processes expect them.

Where they are mounted is a matter of releases, so mounting rolls out; the data itself is never touched
but by `destroy`, which is done in steps, as no transaction waits for a disk: `begin_destroying`, the
door removes the data, `forget`. Cut off in between, it is asked for again.
"""

from collections.abc import Mapping
from dataclasses import replace

from stratum.errors import AlreadyExists, Conflict, NotFound
from stratum.model import App, Volume
from stratum.mounts import checked_path, overlapping
from stratum.names import checked_name
from stratum.store import Transaction, releases, volumes
from stratum.verbs.change import Change, check_queue
from stratum.verbs.release import release_again

MAX_VOLUMES = 32  # of one app


def find(tx: Transaction, app: App, name: str) -> Volume:
    """Find a volume by its name.

    Raises:
        NotFound: there is no such volume.
    """
    found = volumes.find_volume(tx, app.id, name)
    if found is None:
        raise NotFound("storage", name, "stratum storage list shows them.")
    return found


def create(tx: Transaction, app: App, name: str) -> Volume:
    """Add a volume, empty and mounted nowhere.

    Raises:
        InvalidName: it is no name.
        AlreadyExists: it is taken, in whatever case.
        Conflict: the app has as many as it may.
    """
    checked_name("storage", name)
    if volumes.find_volume(tx, app.id, name) is not None:
        raise AlreadyExists("storage", name)
    if len(volumes.list_volumes(tx, app.id)) >= MAX_VOLUMES:
        message = f"{app.label} has {MAX_VOLUMES} of them, and can have no more."
        raise Conflict(message, "One can hold any number of folders.")
    return volumes.add_volume(tx, app.id, name)


def mount(tx: Transaction, app: App, name: str, path: str, *, who: str) -> Change:
    """Have the app's processes find a volume at a path, and nowhere else.

    Raises:
        NotFound: there is no such volume.
        InvalidMount: no storage can be mounted there.
        Conflict: other storage is mounted there, or its data is being removed.
    """
    volume, wanted = find(tx, app, name), checked_path(path)
    if volume.destroying:
        message = f"{volume.name} is being destroyed."
        raise Conflict(message, f"See it to its end first: stratum storage destroy {volume.name}.")
    mounts = releases.mounts_in_force(tx, app.id)
    if mounts.get(volume.name) == wanted:
        return Change(
            changed=False, message=f"{volume.name} is mounted at {wanted} already; nothing changed."
        )
    others = {other: at for other, at in mounts.items() if other != volume.name}
    taken = overlapping(wanted, others)
    if taken:
        message = f"{taken} is mounted at {others[taken]}, and one cannot be within the other."
        raise Conflict(message, "Choose another path, or unmount it first.")
    cause = f"storage: mounted {volume.name} at {wanted}"
    return _wish(tx, app, volume, {**others, volume.name: wanted}, (cause, who))


def unmount(tx: Transaction, app: App, name: str, *, who: str) -> Change:
    """Have the app's processes find a volume nowhere; its data stays.

    Raises:
        NotFound: there is no such volume.
    """
    volume = find(tx, app, name)
    mounts = dict(releases.mounts_in_force(tx, app.id))
    path = mounts.pop(volume.name, "")
    if not path:
        return Change(changed=False, message=f"{volume.name} is mounted nowhere; nothing changed.")
    cause = f"storage: unmounted {volume.name} from {path}"
    return _wish(tx, app, volume, mounts, (cause, who))


def begin_destroying(tx: Transaction, app: App, name: str, confirm: str) -> Volume:
    """Set a volume's end about: from now on it cannot be mounted.

    Args:
        confirm: its name, typed once more.

    Raises:
        NotFound: there is no such volume.
        Conflict: the name typed is another, or a release runs with it, or is to.
    """
    volume = find(tx, app, name)
    if confirm != volume.name:
        message = f"{confirm!r} is not the name of this storage, so nothing is destroyed."
        raise Conflict(message, f"Confirm with its name: {volume.name}.")
    _refuse_what_is_in_use(tx, app, volume)
    volumes.mark_destroying(tx, volume.id)
    return volume


def _refuse_what_is_in_use(tx: Transaction, app: App, volume: Volume) -> None:
    users = [f"v{version}" for version in volumes.mounted_by(tx, volume)]
    message = f"{volume.name} is mounted in {', '.join(users) or 'the first release'}."
    if volume.name in releases.mounts_in_force(tx, app.id):
        raise Conflict(message, f"Unmount it first: stratum storage unmount {volume.name}.")
    if users:
        raise Conflict(
            message, "Wait until nothing of it runs: stratum ps tells the release of each process."
        )


def forget(tx: Transaction, volume: Volume) -> None:
    """Forget a volume whose data is gone."""
    volumes.remove_volume(tx, volume.id)


def _wish(
    tx: Transaction, app: App, volume: Volume, mounts: Mapping[str, str], said: tuple[str, str]
) -> Change:
    """Wish mounts: with a release of what is wished, else for the first one.

    Args:
        volume: whose mount differs.
        said: the cause, and who.

    Raises:
        Conflict: too many changes wait already.
    """
    wished = releases.wished_release(tx, app.id)
    if wished is None:
        volumes.set_first_path(tx, volume.id, mounts.get(volume.name, ""))
        return Change(changed=True, message="The first release will have it so.")
    check_queue(tx, app)
    cause, who = said
    return release_again(tx, replace(wished, mounts=mounts), cause=cause, who=who)
