"""A limit on the requests of each kind that are under way, so that slow clients take no thread from others.

Refused is whoever comes too late, before a byte of the body is read. git shows the reason of a refused
list of refs, but of a refused pack only the status: so the list needs the same place as the pack, and
holds it while it is sent.
"""

from collections.abc import Iterable

from flask import Flask, Response, request
from werkzeug.wsgi import ClosingIterator

from gitserver.git import programs
from gitserver.places import Places, Transfers

RETRY_AFTER_S = 10
DELIVERIES = "deliveries.deliver"  # it needs no sign-in, and its body is read
ALWAYS = ("status.whoami", "health.healthz")  # by these one signs in, and sees whether the server answers


def register(app: Flask, places: Places) -> None:
    """Limit the requests of an app; to be called when those who ask who calls are registered."""
    limits = _Limits(places)
    app.before_request(limits.enter)
    app.after_request(limits.leave_at_end)


class _Limits:
    """Hooks into each request."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._services = {programs.RECEIVE: places.receiving, programs.UPLOAD: places.fetches}
        self._endpoints = {"git.receive": places.receiving, "git.upload": places.fetches}

    def enter(self) -> None:
        """Take the place that a request needs.

        Raises:
            Unavailable: all are taken.
        """
        if request.endpoint == DELIVERIES:
            self._places.deliveries.enter()
        if "Authorization" not in request.headers or request.endpoint == DELIVERIES:
            return  # it is answered with 401, whatever its body
        if request.endpoint not in ALWAYS:
            self._wanted().enter()

    def leave_at_end(self, response: Response) -> Response:
        """Give back, when the answer has gone, what has not been given back before."""
        if response.direct_passthrough:  # werkzeug closes but the answer itself
            answer: Iterable[bytes] = response.response  # type: ignore[assignment]  # bytes, by _stream
            response.response = ClosingIterator(answer, self._places.leave)
        else:
            response.call_on_close(self._places.leave)
        if response.status_code == 503:  # noqa: PLR2004  # service unavailable
            response.headers.setdefault("Retry-After", str(RETRY_AFTER_S))
        return response

    def _wanted(self) -> Transfers:
        if request.endpoint == "git.advertise":
            return self._services.get(request.args.get("service", ""), self._places.ordinary)
        return self._endpoints.get(request.endpoint or "", self._places.ordinary)
