"""Whether an app's visitors get a page that says it is down for maintenance."""

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import again, app_named
from gitserver.api.changes import done
from gitserver.api.shapes import Maintenance
from gitserver.services import services
from stratum.verbs.maintenance import set_maintenance

blueprint = APIBlueprint("maintenance", __name__, url_prefix="/api/apps/<environment>/<app>/maintenance")


@blueprint.get("")
def show(environment: str, app: str) -> rows.Row:
    """Tell whether it is on."""
    return {"on": app_named().maintenance}


@blueprint.put("")
@blueprint.input(Maintenance, location="json")
def change(environment: str, app: str, json_data: Maintenance) -> rows.Row:
    """Turn it on or off; the reconciler has the router do so."""
    with services().database.write() as tx:
        change = set_maintenance(tx, again(tx), on=json_data.on)
    return done(change)
