"""What became of an app's processes: each start, each end, and what keeps crashing."""

from contextlib import ExitStack, closing

from apiflask import APIBlueprint
from flask import Response, request

from gitserver.api import rows, streams, telling
from gitserver.api.access import app_named
from gitserver.api.appevents import AppEvents
from gitserver.api.shapes import Events
from gitserver.services import services
from stratum.errors import UnknownTarget
from stratum.events import Event
from stratum.store import catalogue

blueprint = APIBlueprint("events", __name__, url_prefix="/api/apps/<environment>/<app>/events")


@blueprint.get("")
@blueprint.input(Events, location="query")
def show(environment: str, app: str, query_data: Events) -> list[rows.Row] | Response:
    """List the last changes, oldest first, or all after the one whose number is given as `cursor`.

    With `follow` as server-sent events, and all that come, too. Their ids are cursors: whoever sends the last
    one again, as `Last-Event-ID` or `cursor`, goes on from there and misses nothing that is kept.
    """
    wanted = query_data.model_copy(
        update={"cursor": request.headers.get("Last-Event-ID") or query_data.cursor}
    )
    if wanted.follow:
        return _followed(wanted)
    found = _found(wanted)
    if not found:
        _check(wanted.target)
    return [rows.event(one) for one in found]


def _followed(wanted: Events) -> Response:
    _check(wanted.target)
    with ExitStack() as held:
        held.enter_context(services().places.for_stream())
        found = AppEvents(services(), app_named(), wanted)
        told = telling.changes(found)
        chunks = streams.read(services().watcher, found, told, streams.client(), follow=True)
        return streams.answer(chunks, held, telling.EVENTS)


def _found(wanted: Events) -> list[Event]:
    with closing(AppEvents(services(), app_named(), wanted)) as reader:
        return list(reader.last())


def _check(target: str | None) -> None:
    """See that a target is one of a release, or was one of which there are changes still.

    Raises:
        UnknownTarget: it is neither; nothing is known of an app that has no release.
    """
    with services().database.read() as tx:
        known = catalogue.target_names(tx, app_named().id)
    if target is None or not known or target in known or _found(Events(target=target, lines=1)):
        return
    raise UnknownTarget(target, known, "any release")
