"""What an app's processes write."""

from contextlib import ExitStack

from apiflask import APIBlueprint
from flask import Response, request

from gitserver.api import streams, telling
from gitserver.api.access import app_named
from gitserver.api.applogs import AppLogs
from gitserver.api.shapes import Logs
from gitserver.services import services

blueprint = APIBlueprint("logs", __name__, url_prefix="/api/apps/<environment>/<app>/logs")


@blueprint.get("")
@blueprint.input(Logs, location="query")
def show(environment: str, app: str, query_data: Logs) -> Response:
    """Stream the last lines of each process; with `follow` all that comes, too.

    As text, `web.1 | …`; or as server-sent events where the request accepts these. Their ids are cursors:
    whoever sends the last one again, as `Last-Event-ID` or `cursor`, goes on from there and misses nothing.
    """
    wanted = query_data.model_copy(
        update={"cursor": request.headers.get("Last-Event-ID") or query_data.cursor}
    )
    is_live = telling.EVENTS in request.headers.get("Accept", "")
    with ExitStack() as held:
        held.enter_context(services().places.for_stream())
        found = AppLogs(services(), app_named(), wanted)
        found.refresh()
        told = telling.as_events(found) if is_live else telling.as_text
        chunks = streams.read(services().watcher, found, told, streams.client(), follow=wanted.follow)
        return streams.answer(chunks, held, telling.EVENTS if is_live else "text/plain")
