"""Git's smart HTTP protocol: `/<environment>/<app>.git/…`, or without `.git`, with a token as the password.

Source: gitprotocol-http(5). Every answer to a person is one line of plain text, which git shows.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import HTTPException

from gitserver.auth import may, require
from gitserver.errors import headers_of, status_of
from gitserver.git import addresses, lsrefs, programs, renamed
from gitserver.git.advertisement import Advertisement
from gitserver.git.body import GZIP, BadBody, Body, BodyTooLarge, BodyTooSlow
from gitserver.git.client import Client
from gitserver.git.commands import MAX_HEAD, read_head
from gitserver.git.exchange import Exchange
from gitserver.git.follow import Following
from gitserver.git.pktline import FLUSH, pkt
from gitserver.git.receive import Incoming, serve
from gitserver.git.repos import ensure_repo, install_hooks
from gitserver.services import Services
from gitserver.signin import sign_in
from hooks import quota
from hooks.parts import Parts
from hooks.verdict import Pusher
from hooks.webhooks.pushing import is_webhook
from stratum.errors import Renamed, StratumError
from stratum.faults import reach
from stratum.limits import Limits
from stratum.model import App, Right, Token
from stratum.store import Watched, environments

PATIENCE = 64  # times the limit that a push may declare: git shows nothing of why it is refused before
MAX_NEGOTIATION = 64 << 20  # what a fetch may say about what it has
HEADERS = {"Cache-Control": "no-cache, max-age=0, must-revalidate", "X-Accel-Buffering": "no"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def blueprint(services: Services) -> Blueprint:
    """Make the routes; to be registered without a prefix."""
    instance, db = services.instance, services.database
    install_hooks(instance)
    following = Following(instance, services.watcher, services.places)
    server = _GitServer(Parts(instance, db, services.nudges), following, Advertisement(instance))
    found = Blueprint("git", __name__)
    found.record(addresses.tell)
    for rule, view, methods in (
        ("info/refs", server.advertise, ("GET",)),
        (programs.RECEIVE, server.receive, ("POST",)),
        (programs.UPLOAD, server.upload, ("POST",)),
        ("<path:rest>", server.refuse, METHODS),
        ("", server.refuse, METHODS),
    ):
        found.add_url_rule(
            f"/<environment:environment>/<repository:app>/{rule}",
            view.__name__,
            view,
            methods=methods,
            provide_automatic_options=False,
            strict_slashes=False,
        )
    found.register_error_handler(StratumError, _told)
    found.register_error_handler(HTTPException, _refused)
    return found


@dataclass(frozen=True, slots=True)
class _GitServer:
    """The four views."""

    parts: Parts
    following: Following
    advertisement: Advertisement

    def advertise(self, environment: str, app: str) -> Response:
        """List refs and capabilities for one of the services."""
        service = request.args.get("service", "")
        right = Right.PUSH if service == programs.RECEIVE else Right.READ
        try:
            token, found = self._admitted(environment, app, right)
        except Renamed as error:
            if service != programs.UPLOAD:
                raise
            answer = _line(str(error), 302)
            answer.headers.update(renamed.redirect_headers(error))
            return answer
        if service not in programs.SERVICES:
            abort(403, "This git is too old: it must speak the smart HTTP protocol (1.6.6 and newer do).")
        lead = pkt(b"# service=%s\n" % service.encode()) + FLUSH
        kind, version = f"application/x-{service}-advertisement", _version(service)
        lead = b"" if version == programs.V2 else lead  # git-http-backend(1) of 2.39 leaves it out, too
        said = self.advertisement.of(service, ensure_repo(self.parts.instance, found), version)
        if said is not None:
            return Response(lead + said, headers=HEADERS, content_type=kind)
        return _stream(_led(lead, self._run(token, found, service, self._client(), iter(()))), kind)

    def upload(self, environment: str, app: str) -> Response:
        """Serve a clone or fetch, by a former name with advice."""
        advice = ""
        try:
            token, found = self._admitted(environment, app, Right.READ)
        except Renamed as error:
            environment, _, app = error.now.partition("/")
            token, found = self._admitted(environment, app, Right.READ)
            advice = str(error)
        client = self._client()
        body = _body(client, programs.UPLOAD, MAX_NEGOTIATION)
        kind = f"application/x-{programs.UPLOAD}-result"
        read = body.exactly(lsrefs.MAX_REQUEST) if _version(programs.UPLOAD) == programs.V2 else b""
        if asked := lsrefs.wanted(read):
            said = lsrefs.answer(ensure_repo(self.parts.instance, found), asked)
            if said is not None:
                return Response(said, headers=HEADERS, content_type=kind)
        rest = chain([read] if read else (), body.rest())
        answer = self._run(token, found, programs.UPLOAD, client, rest)
        if asked:
            answer = lsrefs.learned(answer, asked)
        if advice:
            answer = renamed.advised(answer, advice)
        return _stream(answer, kind)

    def receive(self, environment: str, app: str) -> Response:
        """Serve a push."""
        token, found = self._admitted(environment, app, Right.PUSH)
        client = self._client()
        limit = quota.limits(self.parts.instance, found).push_bytes + MAX_HEAD
        body = _body(client, programs.RECEIVE, limit)
        head = read_head(body)
        # git sends a lone flush to learn whether its credentials are good before it sends much
        reach("receive.admitted")
        may_deploy = may(token, found, Right.DEPLOY)
        pusher = Pusher(token.name, may_deploy=may_deploy, is_webhook=is_webhook(token.name))
        push = Incoming(found, pusher, head, body, client, _version(programs.RECEIVE), request.content_length)
        answer = serve(self.parts, self.following, push) if head.updates else iter(())
        return _stream(answer, f"application/x-{programs.RECEIVE}-result")

    def refuse(self, environment: str, app: str, rest: str = "") -> Response:
        """Answer everything else about a repository: first of all, who asks?"""
        self._admitted(environment, app, Right.READ)
        said = f"{rest} is not served" if rest else "There is no page here"
        abort(404, f"{said}: use git's smart HTTP protocol.")

    def _admitted(self, environment: str, app: str, right: Right) -> tuple[Token, App]:
        token = sign_in()
        database = self.parts.database
        key = ("app", environment, app)
        found = database.known(
            key, lambda tx: environments.find_app(tx, environment, app), until=Watched.ACCESS
        )
        if found is None:
            with database.read() as tx:
                renamed.refuse_former(tx, token, environment, app)
        if found is not None and found.destroying:
            found = None
        return token, require(token, found, right, name=f"{environment}/{app}")

    def _client(self) -> Client:
        seconds = self.parts.instance.settings.git_timeout_s
        return Client(request.environ.get("gunicorn.socket"), seconds)

    def _run(
        self, token: Token, app: App, service: str, client: Client, body: Iterator[bytes]
    ) -> Iterator[bytes]:
        """Prepare a git that only reads; it starts when the first piece is asked for."""
        instance = self.parts.instance
        advertise = request.method == "GET"
        argv = programs.argv(instance, service, ensure_repo(instance, app), advertise=advertise)
        environ = programs.environ(instance, token.name, _version(service))
        limits = Limits.of(instance.settings)
        return _relayed(lambda: Exchange(argv, environ, body, client, limits=limits))


def _relayed(start: Callable[[], Exchange]) -> Iterator[bytes]:
    exchange = start()
    try:
        while (output := exchange.step()) is not None:
            if output:
                yield output
    finally:
        exchange.end()


def _led(lead: bytes, answer: Iterator[bytes]) -> Iterator[bytes]:
    yield lead
    yield from answer


def _body(client: Client, service: str, limit: int) -> Body:
    wanted = f"application/x-{service}-request"
    if request.content_type != wanted:  # what no git sends, a page in a browser may
        abort(415, f"Content-Type must be {wanted}.")
    encoding = request.headers.get("Content-Encoding", "").lower()
    packed = "" if encoding == "identity" else encoding
    if packed not in ("", *GZIP):
        abort(415, f"Content-Encoding {packed[:40]!r} is not understood: gzip is, or none.")
    if (request.content_length or 0) > limit * (PATIENCE if service == programs.RECEIVE else 1):
        raise BodyTooLarge(limit)
    if service == programs.RECEIVE and not packed:
        limit = sys.maxsize  # git's own holds; to be told of it, the client must have sent all
    # Not request.stream: gunicorn has undone the chunks already.
    return Body(client.sends(request.environ["wsgi.input"]), packed, limit)


def _version(service: str) -> str:
    return programs.protocol(service, request.headers.get("Git-Protocol", ""))


def _stream(answer: Iterable[bytes], content_type: str) -> Response:
    return Response(answer, content_type=content_type, headers=HEADERS, direct_passthrough=True)


def _line(text: str, status: int) -> Response:
    return Response(f"{text}\n", status, HEADERS, content_type="text/plain; charset=utf-8")


def _told(error: StratumError) -> Response:
    status = {BadBody: 400, BodyTooLarge: 413, BodyTooSlow: 408}.get(type(error)) or status_of(error)
    if status is None:
        raise error
    answer = _line(str(error), status)
    answer.headers.extend(headers_of(error))
    return answer


def _refused(error: HTTPException) -> Response:
    return _line(error.description or error.name, error.code or 500)
