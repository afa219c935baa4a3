"""Buildpacks of an app: what made the wished release, and the commits that those by URL are pinned to."""

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import again, app_named
from gitserver.api.shapes import PinnedBuildpack
from gitserver.services import services
from stratum.store import buildpacks, releases
from stratum.verbs.buildpacks import update as unpin

blueprint = APIBlueprint("buildpacks", __name__, url_prefix="/api/apps/<environment>/<app>/buildpacks")


@blueprint.get("")
def list_all(environment: str, app: str) -> list[rows.Row]:
    """List those that made the wished release, in order, then those that are pinned besides."""
    with services().database.read() as tx:
        wished = releases.wished_release(tx, app_named().id)
        pins = buildpacks.pins(tx, app_named().id)
    used = () if wished is None else wished.contents.buildpacks
    return rows.buildpacks(used, pins)


@blueprint.post("/update")
@blueprint.input(PinnedBuildpack, location="json")
def update(environment: str, app: str, json_data: PinnedBuildpack) -> rows.Row:
    """Forget what one URL, or all, are pinned to: the next build takes what is there then."""
    with services().database.write() as tx:
        gone = unpin(tx, again(tx), json_data.url)
    return {"changed": bool(gone), "unpinned": [rows.pin(one) for one in gone]}
