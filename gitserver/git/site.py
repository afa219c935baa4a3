"""The addresses that git itself asks, answered in front of Flask, an eighth of a push's work in this process.

All others of a repository, and whatever is not written as git writes it, are Flask's
(`gitserver.git.routes`).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from gitserver.errors import INTERNAL_HINT, internal
from gitserver.git import programs
from gitserver.git.addresses import SUFFIX
from gitserver.git.admission import Asked
from gitserver.git.lines import Data, line, refused, told
from gitserver.git.smart import SmartGit
from gitserver.places import Places, Transfers
from gitserver.services import Services, services_of
from stratum.errors import StratumError

View = Callable[[Services, Asked], Data | Response]

REFS = "info/refs"
# Of a remote joined from `http://host/` and `/<environment>/<app>.git` git asks with both slashes.
_ADDRESS = re.compile(
    rf"/+(?!(?:api|hooks)/)([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+)/({REFS}|{programs.RECEIVE}|{programs.UPLOAD})"
)


class GitSite:
    """An application that answers what git asks, and hands on all else."""

    def __init__(self, app: Flask, otherwise: WSGIApplication) -> None:
        self._app, self._otherwise = app, otherwise
        git = SmartGit(services_of(app))
        self._views: dict[tuple[str, object], View] = {
            (REFS, "GET"): git.advertise,
            (REFS, "HEAD"): git.advertise,
            (programs.RECEIVE, "POST"): git.receive,
            (programs.UPLOAD, "POST"): git.upload,
        }

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        found = _ADDRESS.fullmatch(str(environ["PATH_INFO"]))
        view = self._views.get((found[3], environ["REQUEST_METHOD"])) if found else None
        if found is None or view is None:
            return self._otherwise(environ, start)
        services = services_of(self._app)
        asked = Asked(found[1], found[2].removesuffix(SUFFIX), Request(environ, populate_request=False))
        answer = _answered(view, services, asked)
        with ExitStack() as undo:
            undo.callback(services.places.leave)
            held = _Held(_sent(answer, environ, start), services.places)
            undo.pop_all()
        return held


class _Held:
    """An answer with its place, which is given back even if the answer cannot be brought to its end."""

    def __init__(self, pieces: Iterable[bytes], places: Places) -> None:
        self._pieces, self._places = pieces, places

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        with ExitStack() as ends:
            ends.callback(self._places.leave)
            if close := getattr(self._pieces, "close", None):
                ends.callback(close)


def _sent(answer: Data | Response, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    if isinstance(answer, Response):
        return answer(environ, start)
    start("200 OK", answer.headers())
    return () if environ["REQUEST_METHOD"] == "HEAD" else answer.pieces


def _answered(view: View, services: Services, asked: Asked) -> Data | Response:
    try:
        if "HTTP_AUTHORIZATION" in asked.request.environ:  # else it is answered with 401, whatever its body
            _wanted(services.places, asked.request).enter()
        return view(services, asked)
    except HTTPException as error:
        return refused(error)
    except StratumError as error:
        return told(error) or _failed(error, asked.request)
    except Exception as error:  # Flask would answer it for its views
        return _failed(error, asked.request)


def _failed(error: Exception, request: Request) -> Response:
    return line(f"Internal error {internal(error, request.method, request.path)}. {INTERNAL_HINT}", 500)


def _wanted(places: Places, request: Request) -> Transfers:
    """Choose the budget: of a refused pack git shows no reason, so that the list needs the same place."""
    service = request.path.rpartition("/")[2]
    if service not in programs.SERVICES:
        service = request.args.get("service", "")
    by_service = {programs.RECEIVE: places.receiving, programs.UPLOAD: places.fetches}
    return by_service.get(service, places.ordinary)
