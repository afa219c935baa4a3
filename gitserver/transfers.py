"""A limit on the requests that are under way, so that slow clients take no thread from others.

Refused is whoever comes too late, before a byte of the body is read. What git asks has places of its own
(`gitserver.git.site`).
"""

from flask import Flask, Response, request

from gitserver.errors import RETRY_AFTER_S
from gitserver.places import Places

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

    def enter(self) -> None:
        """Take the place that a request needs.

        Raises:
            Unavailable: all are taken.
        """
        if request.endpoint == DELIVERIES:
            self._places.deliveries.enter()
        elif "Authorization" in request.headers and request.endpoint not in ALWAYS:
            self._places.ordinary.enter()  # without, it is answered with 401, whatever its body

    def leave_at_end(self, response: Response) -> Response:
        """Give back, when the answer has gone, what has not been given back before."""
        response.call_on_close(self._places.leave)
        if response.status_code == 503:  # noqa: PLR2004  # service unavailable
            response.headers.setdefault("Retry-After", str(RETRY_AFTER_S))
        return response
