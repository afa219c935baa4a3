"""Whether this server can serve, for load balancers and monitors: `GET /healthz`, which needs no token.

200 `ok`; 503 and the part that is away in one word. It says of the server nothing else, and of its apps
nothing at all.
"""

from http import HTTPStatus

from apiflask import APIBlueprint
from flask import Response

from gitserver.services import services
from stratum.store import liveness

blueprint = APIBlueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Read the database once, as nearly every request does; whoever is here has come by the router."""
    if liveness.answers(services().database):
        return _said("ok", HTTPStatus.OK)
    return _said("database", HTTPStatus.SERVICE_UNAVAILABLE)


def _said(word: str, status: HTTPStatus) -> Response:
    return Response(f"{word}\n", status, {"Cache-Control": "no-store"}, mimetype="text/plain")
