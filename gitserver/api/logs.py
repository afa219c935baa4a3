"""What an app's processes write."""

from contextlib import ExitStack

from apiflask import APIBlueprint
from flask import Response

from gitserver.api import streams
from gitserver.api.access import app_named
from gitserver.api.applogs import AppLogs
from gitserver.api.shapes import Logs
from gitserver.services import services

blueprint = APIBlueprint("logs", __name__, url_prefix="/api/apps/<environment>/<app>/logs")


@blueprint.get("")
@blueprint.input(Logs, location="query")
def show(environment: str, app: str, query_data: Logs) -> Response:
    """Stream the last lines of each process as text, `web.1 | …`; with `follow` all that comes, too."""
    with ExitStack() as held:
        held.enter_context(services().places.for_stream())
        found = AppLogs(services(), app_named(), query_data.target)
        found.refresh()
        chunks = streams.app_logs(services().watcher, found, query_data, streams.client())
        return streams.answer(chunks, held)
