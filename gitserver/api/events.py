"""What became of an app's processes: each start, each end, and what keeps crashing."""

from contextlib import ExitStack

from apiflask import APIBlueprint
from flask import Response, request

from gitserver.api import rows, streams, telling
from gitserver.api.access import app_named
from gitserver.api.appevents import AppEvents
from gitserver.api.shapes import Events
from gitserver.services import services
from stratum.events import last_events

blueprint = APIBlueprint("events", __name__, url_prefix="/api/apps/<environment>/<app>/events")


@blueprint.get("")
@blueprint.input(Events, location="query")
def show(environment: str, app: str, query_data: Events) -> list[rows.Row] | Response:
    """List the last changes, oldest first.

    With `follow` as server-sent events, and all that come, too. Their ids are cursors: whoever sends the last
    one again, as `Last-Event-ID` or `cursor`, goes on from there and misses nothing that is kept.
    """
    if query_data.follow:
        return _followed(query_data)
    file = services().instance.layout.process_events(app_named().id)
    return [rows.event(found) for found in last_events(file, query_data.lines, query_data.target)]


def _followed(asked: Events) -> Response:
    wanted = asked.model_copy(update={"cursor": request.headers.get("Last-Event-ID") or asked.cursor})
    with ExitStack() as held:
        held.enter_context(services().places.for_stream())
        found = AppEvents(services(), app_named(), wanted)
        told = telling.changes(found)
        chunks = streams.read(services().watcher, found, told, streams.client(), follow=True)
        return streams.answer(chunks, held, telling.EVENTS)
