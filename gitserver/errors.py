"""The one place where errors become HTTP: a status, and a JSON body with what to do.

`{"error": slug, "message": …, "hint": …, "fields": {…}}`; `fields` only where some are wrong.
"""

import json
import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Response, jsonify, request

from stratum.errors import (
    BadCredentials,
    BadSignature,
    Conflict,
    DeliveryMalformed,
    InvalidInput,
    NotAllowed,
    NotFound,
    StratumError,
    TooManyAttempts,
    Unavailable,
    WebhookDisabled,
)
from stratum.excerpt import quoted

log = logging.getLogger(__name__)

RETRY_AFTER_S = 10  # when there is no place, or a part is away
INTERNAL_HINT = "Its cause is in the server's log under this number; tell the operator."

CHALLENGE = {"WWW-Authenticate": 'Basic realm="Stratum", charset="UTF-8"'}
STATUS: Mapping[type[StratumError], int] = {
    DeliveryMalformed: 400,
    InvalidInput: 422,
    BadCredentials: 401,
    BadSignature: 401,
    WebhookDisabled: 403,
    TooManyAttempts: 429,
    NotAllowed: 403,
    NotFound: 404,
    Conflict: 409,
    Unavailable: 503,
}
_SLUGS = {
    400: "bad-request",
    404: "not-found",
    405: "not-allowed-here",
    408: "too-slow",
    413: "too-large",
    422: "invalid-input",
}


def register(app: APIFlask) -> None:
    """Have all errors of an app answered here."""
    app.register_error_handler(StratumError, _known)
    app.register_error_handler(RecursionError, _too_deep)
    app.register_error_handler(Exception, _unknown)
    app.error_processor(_http)


def status_of(error: StratumError) -> int | None:
    """Return the status of an error; None for one that must not reach a caller."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), None)


def headers_of(error: StratumError) -> Mapping[str, str]:
    """Return the headers that go with an error: how to sign in, or when to come back."""
    if isinstance(error, TooManyAttempts):
        return {"Retry-After": str(error.wait_s)}
    return CHALLENGE if isinstance(error, BadCredentials) else {}


def internal(error: Exception, method: str, path: str) -> str:
    """Log an error that must not reach a caller, and return the number that the caller gets instead."""
    number = secrets.token_hex(4)
    log.error("internal error %s in %s %r", number, method, path, exc_info=error)
    return number


def body(slug: str, message: str, hint: str = "", **more: object) -> dict[str, object]:
    """Return the JSON body of an error."""
    return {"error": slug, "message": message, "hint": hint, **more}


def _known(error: StratumError) -> tuple[Response, int]:
    status = status_of(error)
    if status is None:
        return _unknown(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("%s %r answered %d: %s", request.method, request.path, status, error)
    answer = jsonify(body(error.slug, error.message, error.hint))
    answer.headers.update(headers_of(error))
    return answer, status


def _unknown(error: Exception) -> tuple[Response, int]:
    number = internal(error, request.method, request.path)
    message = f"Internal error {number}."
    return jsonify(body("internal-error", message, INTERNAL_HINT, id=number)), 500


def _too_deep(_error: RecursionError) -> tuple[Response, int]:
    return jsonify(body("invalid-input", "The request's JSON is nested too deeply.")), 422


def _http(error: HTTPError) -> tuple[dict[str, object], int, Mapping[str, str]]:
    """Answer what Flask and the check of input raise themselves."""
    status = error.status_code
    headers = {str(name): str(value) for name, value in dict(error.headers or {}).items()}
    slug = _SLUGS.get(status, "http-error")
    if status != HTTPStatus.UNPROCESSABLE_ENTITY:
        return body(slug, *_told(status, f"{error.message}.")), status, headers
    fields = _fields(error.detail)
    said = "; ".join(f"{name}: {'; '.join(reasons)}" for name, reasons in fields.items())
    return body(slug, f"The request cannot be used: {said}.", fields=fields), status, headers


def _told(status: int, otherwise: str) -> tuple[str, str]:
    """Say what was wrong with the address or the body, and what to do."""
    if status == HTTPStatus.NOT_FOUND:
        hint = "docs/api.md lists what there is; a name in an address is neither empty nor has it a slash."
        return f"There is nothing at {request.method} {quoted(request.path)}.", hint
    reason = _unreadable(request.get_data()) if status == HTTPStatus.BAD_REQUEST else ""
    return (f"The request's body is no JSON: {reason}.", "") if reason else (otherwise, "")


def _unreadable(data: bytes) -> str:
    """Why a body is no JSON; nothing if it is."""
    try:
        json.loads(data)
    except ValueError as error:
        return str(error)
    return ""


def _fields(detail: object) -> dict[str, list[str]]:
    located = detail.values() if isinstance(detail, dict) else ()
    return {
        "body" if name == "_schema" else str(name): [str(reason) for reason in reasons]
        for fields in located
        for name, reasons in fields.items()
    }
