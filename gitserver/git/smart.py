"""Git's smart HTTP protocol: the list of refs, a push, and a clone or fetch.

Source: gitprotocol-http(5).
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from gitserver.auth import may
from gitserver.git import lsrefs, programs, renamed
from gitserver.git.admission import Asked, admitted
from gitserver.git.advertisement import Advertisement
from gitserver.git.body import GZIP, Body, BodyTooLarge
from gitserver.git.client import Client
from gitserver.git.commands import MAX_HEAD, read_head
from gitserver.git.exchange import Exchange
from gitserver.git.follow import Following
from gitserver.git.lines import Data, line
from gitserver.git.pktline import FLUSH, pkt
from gitserver.git.receive import Incoming, serve
from gitserver.git.repos import ensure_repo
from gitserver.services import Services
from hooks import quota
from hooks.parts import Parts
from hooks.verdict import Pusher
from hooks.webhooks.pushing import is_webhook
from stratum.errors import Renamed
from stratum.faults import reach
from stratum.limits import Limits
from stratum.model import App, Right, Token

PATIENCE = 64  # times the limit that a push may declare: git shows nothing of why it is refused before
MAX_NEGOTIATION = 64 << 20  # what a fetch may say about what it has


class SmartGit:
    """The three services of all repositories."""

    def __init__(self, services: Services) -> None:
        instance = services.instance
        self._parts = Parts(instance, services.database, services.nudges)
        self._following = Following(instance, services.watcher, services.places)
        self._advertisement = Advertisement(instance)

    def advertise(self, services: Services, asked: Asked) -> Data | Response:
        """List refs and capabilities for one of the services."""
        service = asked.request.args.get("service", "")
        right = Right.PUSH if service == programs.RECEIVE else Right.READ
        try:
            token, found = admitted(services, asked, right)
        except Renamed as error:
            if service != programs.UPLOAD:
                raise
            answer = line(str(error), 302)
            answer.headers.update(renamed.redirect_headers(error))
            return answer
        if service not in programs.SERVICES:
            abort(403, "This git is too old: it must speak the smart HTTP protocol (1.6.6 and newer do).")
        lead = pkt(b"# service=%s\n" % service.encode()) + FLUSH
        kind, version = f"application/x-{service}-advertisement", _version(asked.request, service)
        lead = b"" if version == programs.V2 else lead  # git-http-backend(1) of 2.39 leaves it out, too
        said = self._advertisement.of(service, ensure_repo(self._parts.instance, found), version)
        if said is not None:
            return Data.known(kind, lead + said)
        output = self._run((token, found), service, asked.request, self._client(asked.request), iter(()))
        return Data(kind, _led(lead, output))

    def upload(self, services: Services, asked: Asked) -> Data:
        """Serve a clone or fetch, by a former name with advice."""
        advice = ""
        try:
            token, found = admitted(services, asked, Right.READ)
        except Renamed as error:
            environment, _, app = error.now.partition("/")
            token, found = admitted(services, replace(asked, environment=environment, app=app), Right.READ)
            advice = str(error)
        client = self._client(asked.request)
        body = _body(asked.request, client, programs.UPLOAD, MAX_NEGOTIATION)
        kind = f"application/x-{programs.UPLOAD}-result"
        is_v2 = _version(asked.request, programs.UPLOAD) == programs.V2
        read = body.exactly(lsrefs.MAX_REQUEST) if is_v2 else b""
        if wanted := lsrefs.wanted(read):
            said = lsrefs.answer(ensure_repo(self._parts.instance, found), wanted)
            if said is not None:
                return Data.known(kind, said)
        rest = chain([read] if read else (), body.rest())
        answer = self._run((token, found), programs.UPLOAD, asked.request, client, rest)
        if wanted:
            answer = lsrefs.learned(answer, wanted)
        if advice:
            answer = renamed.advised(answer, advice)
        return Data(kind, answer)

    def receive(self, services: Services, asked: Asked) -> Data:
        """Serve a push."""
        token, found = admitted(services, asked, Right.PUSH)
        request, client = asked.request, self._client(asked.request)
        limit = quota.limits(self._parts.instance, found).push_bytes + MAX_HEAD
        body = _body(request, client, programs.RECEIVE, limit)
        head = read_head(body)
        # git sends a lone flush to learn whether its credentials are good before it sends much
        reach("receive.admitted")
        may_deploy = may(token, found, Right.DEPLOY)
        pusher = Pusher(token.name, may_deploy=may_deploy, is_webhook=is_webhook(token.name))
        version = _version(request, programs.RECEIVE)
        push = Incoming(found, pusher, head, body, client, version, request.content_length)
        answer = serve(self._parts, self._following, push) if head.updates else iter(())
        return Data(f"application/x-{programs.RECEIVE}-result", answer)

    def _client(self, request: Request) -> Client:
        seconds = self._parts.instance.settings.git_timeout_s
        return Client(request.environ.get("gunicorn.socket"), seconds)

    def _run(
        self,
        who: tuple[Token, App],
        service: str,
        request: Request,
        client: Client,
        body: Iterator[bytes],
    ) -> Iterator[bytes]:
        """Prepare a git that only reads; it starts when the first piece is asked for."""
        instance, (token, app) = self._parts.instance, who
        advertise = request.method in ("GET", "HEAD")
        argv = programs.argv(instance, service, ensure_repo(instance, app), advertise=advertise)
        environ = programs.environ(instance, token.name, _version(request, service))
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


def _body(request: Request, client: Client, service: str, limit: int) -> Body:
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


def _version(request: Request, service: str) -> str:
    return programs.protocol(service, request.headers.get("Git-Protocol", ""))
