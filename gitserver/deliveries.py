"""Where git servers deliver to: `POST /hooks/<provider>/<id>`, without a token, since each request is signed.

Statuses: 202 what will be fetched, 200 what there is nothing to do about, 400 malformed, 401 not signed, 403
disabled, 404 no such web hook, 413 too large, 503 too many at once.
"""

from http import HTTPStatus

from apiflask import APIBlueprint
from flask import current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from gitserver.api import bodies
from gitserver.api.rows import Row
from gitserver.services import services
from hooks.parts import Parts
from hooks.webhooks.delivery import Delivery
from hooks.webhooks.intake import Intake, Taken
from stratum.model import DeliveryState

MAX_BODY_BYTES = 25 << 20  # GitHub sends no more (docs.github.com, "Webhook events and payloads")
_INTAKE = "stratum.intake"

blueprint = APIBlueprint("deliveries", __name__, url_prefix="/hooks")


@blueprint.post("/<provider>/<public_id>")
def deliver(provider: str, public_id: str) -> tuple[Row, int]:
    """Take a delivery."""
    intake = _intake()
    app, webhook = intake.find(provider, public_id)
    bodies.limit()
    try:
        body = _body()
    except RequestEntityTooLarge:
        unread = Delivery.of(request.headers.items(), b"")
        intake.refuse(webhook, unread, f"it is larger than {MAX_BODY_BYTES >> 20} MiB")
        raise
    taken = intake.take(app, webhook, Delivery.of(request.headers.items(), body))
    return _answer(taken), _status(taken)


def _body() -> bytes:
    """Read the body.

    One that comes in pieces, without a length, werkzeug cuts in silence (3.1, LimitedStream.readall).

    Raises:
        RequestEntityTooLarge: it is longer than it may be.
    """
    request.max_content_length = MAX_BODY_BYTES + 1
    body = request.get_data(cache=False)
    if len(body) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    return body


def _status(taken: Taken) -> int:
    is_new = taken.state is DeliveryState.QUEUED and not taken.repeated
    return HTTPStatus.ACCEPTED if is_new else HTTPStatus.OK


def _answer(taken: Taken) -> Row:
    return {
        "delivery": taken.number,
        "verdict": "repeated" if taken.repeated else taken.state.value,
        "reason": taken.reason,
        "app": taken.app or None,
        "build": taken.build,
    }


def _intake() -> Intake:
    """Return the one of this app."""
    found = current_app.extensions.get(_INTAKE)
    if not isinstance(found, Intake):
        own = services()
        found = Intake(Parts(own.instance, own.database, own.nudges))
        current_app.extensions[_INTAKE] = found
    return found
