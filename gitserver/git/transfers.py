"""A limit on packs under way, so that slow clients take no thread from anybody else.

Refused is whoever comes too late, before a byte of the body is read. git shows the reason of a refused
list of refs, but of a refused pack only the status: so the list is refused, too, while all are taken.
"""

from collections.abc import Iterable, Mapping

from flask import Flask, Response, request
from werkzeug.wsgi import ClosingIterator

from gitserver.git import programs
from gitserver.places import Places, Transfers

RETRY_AFTER_S = 10


def register(app: Flask, places: Places) -> None:
    """Limit the git routes of an app."""
    limits = _Limits({programs.RECEIVE: places.receiving, programs.UPLOAD: places.fetches})
    app.before_request(limits.enter)
    app.after_request(limits.leave_at_end)


class _Limits:
    """Hooks into each request.

    Args:
        transfers: by service.
    """

    def __init__(self, transfers: Mapping[str, Transfers]) -> None:
        self._transfers = transfers
        self._endpoints = {
            "git.receive": transfers[programs.RECEIVE],
            "git.upload": transfers[programs.UPLOAD],
        }

    def enter(self) -> None:
        """Take a place for a request with a pack.

        Raises:
            Unavailable: all are taken.
        """
        if "Authorization" not in request.headers:
            return  # it is answered with 401, whatever its body
        wanted = self._endpoints.get(request.endpoint or "")
        if wanted is not None:
            wanted.enter()
        elif request.endpoint == "git.advertise":
            listed = self._transfers.get(request.args.get("service", ""))
            if listed is not None:
                listed.check()

    def leave_at_end(self, response: Response) -> Response:
        """Give the place back when the answer has gone, if that has not been done before."""
        wanted = self._endpoints.get(request.endpoint or "")
        if wanted is not None and response.direct_passthrough:  # werkzeug closes but the answer itself
            answer: Iterable[bytes] = response.response  # type: ignore[assignment]  # bytes, by _stream
            response.response = ClosingIterator(answer, wanted.exit)
        elif wanted is not None:
            response.call_on_close(wanted.exit)
        if response.status_code == 503:  # noqa: PLR2004  # service unavailable
            response.headers.setdefault("Retry-After", str(RETRY_AFTER_S))
        return response
