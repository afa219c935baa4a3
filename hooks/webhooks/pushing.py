"""Pushing a fetched commit to the app's own repository, through the very path that a `git push` takes.

What git's client would send goes to the web process by its socket: a command, push options, a pack. So
every check, journal row, queue and refusal is the same. Source: gitprotocol-pack(5).
"""

import base64
import http.client
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

from dulwich.errors import GitProtocolError
from dulwich.protocol import PktLineParser, pkt_line

from hooks.parts import Parts
from hooks.policy import BRANCHES
from hooks.webhooks.fetching import FetchFailed
from stratum.model import App, Build, Grant, RefUpdate, Right, Webhook
from stratum.store import builds, pushes, tokens
from stratum.store.clock import now
from stratum.unixhttp import UnixConnection
from stratum.webhooks import PREFIX, pusher_name

CAPABILITIES = b"report-status side-band-64k push-options agent=stratum-webhook"
OPTIONS = (b"detach",)
SILENCE_S = 300.0  # a push that goes on says so every few seconds
TOKEN_FOR = timedelta(hours=6)
MAX_SAID = 500  # characters of a refusal
# The app was renamed, or the token revoked, since they were looked up; or there is no place.
_NOT_NOW = (HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)
_DATA = b"\1"  # the side band of git's report


class PushRefused(Exception):
    """The app's repository does not take the commit.

    Attributes:
        reason: a clause without a full stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Push:
    """What is to be pushed: one ref, and a pack with what it needs.

    Attributes:
        build: number of the build that it was fetched for; None: it is to have a new one.
    """

    app: App
    webhook: Webhook
    update: RefUpdate
    pack: Path
    build: int | None = None


def push(parts: Parts, wanted: Push) -> None:
    """Push; on return the ref has moved and its build is queued.

    Raises:
        PushRefused: the commit is not taken.
        FetchFailed: it could not be pushed, now.
    """
    name = pusher(wanted)
    grants = (Grant(wanted.app.environment.id, wanted.app.id, Right.DEPLOY),)
    with parts.database.write() as tx:
        tokens.remove_token(tx, name)  # of one who was killed
        secret = tokens.add_token(tx, name, is_admin=False, grants=grants, expires_at=now() + TOKEN_FOR)
    try:
        said = _sent(parts, wanted, secret)
    except (OSError, http.client.HTTPException, GitProtocolError) as error:
        reason = f"the web process does not answer: {str(error) or type(error).__name__}"
        raise FetchFailed(reason) from error
    finally:
        with parts.database.write(synced=False) as tx:
            tokens.remove_token(tx, name)
    _check(said, wanted.update.ref)


def pusher(wanted: Push) -> str:
    """Name who pushes: the web hook, and which pull request it is for, as both may be pushed at a time."""
    return pusher_name(wanted.webhook.public_id, wanted.app.review.number if wanted.app.review else None)


def is_webhook(name: str) -> bool:
    """Whether a token with this name is one of a web hook."""
    return name.startswith(PREFIX)


def build_of(parts: Parts, app: App, branch: str, commit: str) -> Build | None:
    """Find the build that a commit on a branch has led to."""
    with parts.database.read() as tx:
        newest = pushes.newest(tx, app.id, f"{BRANCHES}{branch}")
        if newest is None or newest.update.new != commit:
            return None
        return builds.build_of_push(tx, newest.id)


def _sent(parts: Parts, wanted: Push, secret: str) -> list[bytes]:
    """Send the push; return the lines of git's report."""
    head = b"".join(_head(wanted))
    pair = base64.b64encode(f"{PREFIX[:-1]}:{secret}".encode()).decode()
    headers = {
        "Authorization": f"Basic {pair}",
        "Content-Type": "application/x-git-receive-pack-request",
        "Content-Length": str(len(head) + wanted.pack.stat().st_size),
    }
    connection = UnixConnection(parts.instance.layout.web_socket, "localhost", SILENCE_S)
    try:
        with wanted.pack.open("rb") as pack:
            body = _pieces(head, pack)
            path = f"/{wanted.app.environment.name}/{wanted.app.name}.git/git-receive-pack"
            connection.request("POST", path, body, headers)
        with connection.getresponse() as answer:
            return _report(answer)
    finally:
        connection.close()


def _head(wanted: Push) -> Iterator[bytes]:
    update = wanted.update
    command = f"{update.old} {update.new} {update.ref}".encode()
    yield pkt_line(command + b"\0" + CAPABILITIES)
    yield pkt_line(None)
    for option in OPTIONS:
        yield pkt_line(option)
    if wanted.build is not None:
        yield pkt_line(f"build={wanted.build}".encode())
    yield pkt_line(None)


def _pieces(head: bytes, pack: io.BufferedReader) -> Iterator[bytes]:
    yield head
    while piece := pack.read(1 << 16):
        yield piece


def _report(answer: http.client.HTTPResponse) -> list[bytes]:
    if answer.status != HTTPStatus.OK:
        said = answer.read(MAX_SAID).decode("utf-8", "replace").partition("\n")[0]
        if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR and answer.status not in _NOT_NOW:
            raise PushRefused(said.rstrip(".") or f"the push was answered {answer.status}")
        raise FetchFailed(said.rstrip(".") or f"the push was answered {answer.status}")
    report = b"".join(pkt[1:] for pkt in _packets(answer.read()) if pkt[:1] == _DATA)
    return [line.rstrip(b"\n") for line in _packets(report)]


def _packets(data: bytes) -> list[bytes]:
    found: list[bytes] = []
    PktLineParser(lambda pkt: found.append(pkt or b"")).parse(data)
    return found


def _check(report: list[bytes], ref: str) -> None:
    if f"ok {ref}".encode() in report:
        return
    said = (line.decode("utf-8", "replace") for line in report)
    reason = next((line.removeprefix(f"ng {ref} ") for line in said if line.startswith("ng ")), "")
    if not reason:
        reason = b"; ".join(report).decode("utf-8", "replace") or "git reported nothing"
    raise PushRefused(reason[:MAX_SAID].rstrip("."))
