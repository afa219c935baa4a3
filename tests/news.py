"""News for who tells them."""

from stratum.model import BuildState
from stratum.store import builds
from tests.webside import COMMIT


def end_build(side, app, state=BuildState.FAILED, error="It has failed."):
    with side.db.write() as tx:
        builds.add_build(tx, app.id, COMMIT, source="push", who="admin")
        claimed = builds.claim_next(tx, app.id, "1:1")
        assert claimed is not None
        builds.finish(tx, claimed, state, error=error)
