"""Buildpacks that come from a repository: the commits they are pinned to, until somebody updates them."""

from stratum.errors import NotFound
from stratum.model import App
from stratum.store import Transaction, buildpacks
from stratum.store.buildpacks import Pin


def update(tx: Transaction, app: App, url: str) -> list[Pin]:
    """Have the next build resolve a buildpack's URL anew, whatever ref it is used with.

    Args:
        url: which; empty: all.

    Returns:
        The pins that there were.

    Raises:
        NotFound: the app has none with that URL.
    """
    gone = buildpacks.unpin(tx, app.id, url)
    if url and not gone:
        hint = "stratum buildpacks lists them."
        raise NotFound("buildpack", url, hint)
    return gone
