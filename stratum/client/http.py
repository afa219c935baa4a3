"""Requests to one server; what goes wrong becomes `ServerUnavailable` or `Refused`.

By the standard library alone: every command waits for what is imported here.
"""

import json as notation
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import BadStatusLine, HTTPException, HTTPResponse, IncompleteRead
from typing import Any
from urllib.parse import urlencode

from stratum.client.wire import connected
from stratum.errors import Refused, ServerUnavailable

READ_TIMEOUT_S = 60.0
CHUNK_BYTES = 1 << 16

Row = dict[str, Any]  # a JSON object as it came; only client and cli look inside


class Connection:
    """Sends requests with a token, each on a connection of its own.

    The router closes idle connections whenever a route changes, which is what our verbs make it do: a
    request on one kept from before could meet the close.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._headers = {"Authorization": f"Bearer {token}", "User-Agent": "stratum"}

    def send(
        self, method: str, path: str, *, json: object = None, params: Mapping[str, str] | None = None
    ) -> Any:
        """Send one request below `/api` and return the JSON of its answer."""
        request = _Request(method, path, params or {}, json)
        with self._answered(request) as answer:
            said = answer.read()
        self._check(answer, said)
        try:
            return notation.loads(said)
        except ValueError as error:
            reason = "what it answered is no JSON"
            raise ServerUnavailable(self.url, reason) from error

    def stream(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        silence_s: float | None = None,
    ) -> Iterator[bytes]:
        """Yield an answer as it comes, however long that takes.

        Args:
            silence_s: after which the connection counts as lost; None: never.
        """
        with self._answered(_Request("GET", path, params, None, headers or {}, silence_s)) as answer:
            if answer.status >= HTTPStatus.BAD_REQUEST:
                self._check(answer, answer.read())
            while chunk := answer.read1(CHUNK_BYTES):
                yield chunk
            if answer.length:  # read1 takes any end for one (CPython 3.11, http.client)
                raise IncompleteRead(b"", answer.length)

    @contextmanager
    def _answered(self, request: "_Request") -> Iterator[HTTPResponse]:
        try:
            with ExitStack() as held:
                yield self._asked(held, request)
        except (OSError, HTTPException, ValueError) as error:
            raise ServerUnavailable(self.url, _reason(error)) from error

    def _asked(self, held: ExitStack, request: "_Request") -> HTTPResponse:
        """Begin an answer; what only reads is asked once more if the connection was closed without one.

        So it may be by a router that is just given other routes.
        """
        try:
            return self._sent(held, request)
        except ConnectionError:
            if request.method != "GET":
                raise
            return self._sent(held, request)

    def _sent(self, held: ExitStack, request: "_Request") -> HTTPResponse:
        wire = connected(self.url, request.timeout_s)
        connection = held.enter_context(closing(wire.connection))
        headers = {**self._headers, **wire.headers, **request.headers}
        body = None
        if request.json is not None:
            body, headers["Content-Type"] = notation.dumps(request.json).encode(), "application/json"
        connection.request(request.method, f"{wire.before}/api{request.asked}", body, headers)
        return held.enter_context(connection.getresponse())

    def _check(self, answer: HTTPResponse, body: bytes) -> None:
        if answer.status < HTTPStatus.BAD_REQUEST:
            return
        try:
            said = notation.loads(body)
            raise Refused(answer.status, said["error"], said["message"], said["hint"])
        except (ValueError, KeyError, TypeError) as error:
            reason = f"it answered {answer.status} {answer.reason}".strip()
            raise ServerUnavailable(self.url, reason) from error


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked below `/api`; `timeout_s` is of silence, None for any."""

    method: str
    path: str
    params: Mapping[str, str]
    json: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = READ_TIMEOUT_S

    @property
    def asked(self) -> str:
        return f"{self.path}?{urlencode(self.params)}" if self.params else self.path


def _reason(error: Exception) -> str:
    if isinstance(error, IncompleteRead):
        return "its answer broke off"
    if isinstance(error, BadStatusLine) and not isinstance(error, OSError):
        return "what it answered is no HTTP"
    text = str(error) or type(error).__name__
    return text[:1].lower() + text[1:].removesuffix(".")
