"""What became of an app's processes: each start, each end, and what keeps crashing."""

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import app_named
from gitserver.api.shapes import Events
from gitserver.services import services
from stratum.events import last_events

blueprint = APIBlueprint("events", __name__, url_prefix="/api/apps/<environment>/<app>/events")


@blueprint.get("")
@blueprint.input(Events, location="query")
def show(environment: str, app: str, query_data: Events) -> list[rows.Row]:
    """List the last changes, oldest first."""
    file = services().instance.layout.process_events(app_named().id)
    return [rows.event(found) for found in last_events(file, query_data.lines, query_data.target)]
