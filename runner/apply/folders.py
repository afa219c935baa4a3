"""The folders that releases run from: one each, made before its first process and gone after its last."""

import logging

from runner.apply import running
from runner.apply.parts import Parts
from runner.plan import known
from stratum import queue
from stratum.disk import below_floor
from stratum.errors import ReleaseUnusable, StratumError
from stratum.model import App, Release
from stratum.sizes import shown
from stratum.store import environments, releases

log = logging.getLogger(__name__)


def check_room(parts: Parts, release: Release) -> None:
    """See that the copy of a new release's slug leaves some room on the disk.

    Raises:
        ReleaseUnusable: it most likely does not.
    """
    instance = parts.instance
    found = below_floor(instance.layout.data, instance.settings.min_free_bytes)
    if found is not None:
        free, floor = map(shown, found)
        reason = f"{free} of the server's disk are free, and none begins below {floor}"
        raise ReleaseUnusable(
            release.version, reason, "Its operator has to make room; then: stratum redeploy"
        )


def open_folder(parts: Parts, app: App, release: Release) -> None:
    """Make a release's folder, unless it is there, and all others of its app.

    Raises:
        ReleaseUnusable: it cannot be made.
    """
    why = parts.door.open_release(app.id, release.version, release.slug, release.mounts)
    if why:
        raise ReleaseUnusable(release.version, why)


def clear(parts: Parts, app: App) -> None:
    """Take the folders of releases that are not current, and of which nothing runs, out of the way.

    The caller holds the app's lock; `erase` wants none. What cannot be done now the reconciler does.
    """
    with parts.database.read() as tx:
        now = environments.get_app(tx, app.id)
        if now is None or now.destroying:
            return
        current = (
            () if now.current_release_id is None else (releases.get_release(tx, now.current_release_id),)
        )
    kept = {release.version for release in current}
    try:
        kept |= {known(name).version for name in running.look(parts, app)}
        with queue.waiting():  # for what the door still does for an applier that was killed
            parts.door.keep_releases(app.id, sorted(kept))
    except StratumError as error:
        log.warning("the folders of releases of %s: %s", app.label, error)


def erase(parts: Parts, app_id: int) -> None:
    """Erase what is out of the way: seconds for node_modules, in which others may change the app.

    What cannot be erased now is erased with the next release, or by the reconciler.
    """
    try:
        with queue.waiting():
            parts.door.erase_releases(app_id)
    except StratumError as error:
        log.warning("the folders of former releases of app %d: %s", app_id, error)
