"""Releases of an app, and going back to one."""

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import again, app_named, caller
from gitserver.api.changes import done
from gitserver.api.shapes import Rollback
from gitserver.services import services
from stratum.store import builds, environments, releases
from stratum.verbs import release

blueprint = APIBlueprint("releases", __name__, url_prefix="/api/apps/<environment>/<app>")


@blueprint.get("/releases")
def list_all(environment: str, app: str) -> list[rows.Row]:
    """List them, newest first."""
    with services().database.read() as tx:
        found = environments.get_app(tx, app_named().id)
        current = None if found is None else found.current_release_id
        listed, reasons = releases.list_releases(tx, app_named().id), builds.reasons(tx, app_named().id)
    return [rows.release(one, current, reasons.get(one.build_id or 0, "")) for one in listed]


@blueprint.post("/rollback")
@blueprint.input(Rollback, location="json")
def roll_back(environment: str, app: str, json_data: Rollback) -> rows.Row:
    """Release an older one's code and variables again."""
    with services().database.write() as tx:
        change = release.rollback(tx, again(tx), json_data.version, who=caller().name)
    return done(change)


@blueprint.post("/redeploy")
def redeploy(environment: str, app: str) -> rows.Row:
    """Build the current commit again."""
    with services().database.write() as tx:
        build = release.redeploy(tx, again(tx), who=caller().name)
    services().nudges.build(app_named().id)
    return {"changed": True, "build": build.number}
