"""The site of a release, where it has one: its folder, and how the router is to serve it."""

import logging

from runner.apply.parts import Parts
from stratum import queue
from stratum.errors import InvalidInput, ReleaseUnusable, StratumError
from stratum.model import App, Release
from stratum.site import parse, table
from stratum.store import environments, releases
from stratum.store.sites import Served

log = logging.getLogger(__name__)


def published(parts: Parts, release: Release) -> Served | None:
    """Make the folder of a release's site, unless it is there; None when processes answer its requests.

    Raises:
        ReleaseUnusable: it cannot be made, or what its slug says of the site cannot be used.
    """
    if not release.has_site:
        return None
    asked, why = parts.door.publish_site(release.app_id, release.version, release.slug)
    if why:
        raise ReleaseUnusable(release.version, why)
    try:
        site = parse(asked.encode())
    except InvalidInput as error:
        raise ReleaseUnusable(release.version, str(error).removesuffix(".")) from error
    return Served(release.version, release.app_name, table(site.rules))


def clear(parts: Parts, app: App) -> None:
    """Remove the sites of releases before the last one: requests may still be read from that.

    What cannot be removed now is removed with the next release.
    """
    with parts.database.read() as tx:
        now = environments.get_app(tx, app.id)
        if now is None or now.destroying or now.current_release_id is None:
            return
        current = releases.get_release(tx, now.current_release_id)
        before = releases.predecessor(tx, current)
    kept = [one.version for one in (current, before) if one is not None]
    try:
        with queue.waiting():  # for what the door still does for an applier that was killed
            parts.door.keep_sites(app.id, kept)
    except StratumError as error:
        log.warning("the sites of releases of %s: %s", app.label, error)
