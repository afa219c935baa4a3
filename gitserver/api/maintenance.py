"""Whether an app's visitors get a page that says it is down for maintenance."""

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import again, app_named
from gitserver.api.changes import done
from gitserver.api.shapes import Maintenance
from gitserver.services import services
from stratum.errors import StratumError
from stratum.maintenance import NO_PAGE, OwnPage, own_page
from stratum.store import releases
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
    own = _own_page() if json_data.on else NO_PAGE
    with services().database.write() as tx:
        change = set_maintenance(tx, again(tx), on=json_data.on, own=own)
    return done(change)


def _own_page() -> OwnPage:
    found = app_named()
    if found.current_release_id is None:
        return NO_PAGE
    with services().database.read() as tx:
        release = releases.get_release(tx, found.current_release_id)
    try:
        return own_page(services().instance.layout.repo(found.id), release.commit)
    except StratumError:  # maintenance is not to wait for that
        return NO_PAGE
