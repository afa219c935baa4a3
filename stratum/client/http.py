"""Requests to one server; what goes wrong becomes `ServerUnavailable` or `Refused`.

Every command waits for what is imported here, so that is little.
"""

import json as notation
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from stratum.client.answer import Answer, BadAnswer
from stratum.client.wire import connected, head
from stratum.errors import Refused, ServerUnavailable

READ_TIMEOUT_S = 60.0
_FIRST_REFUSAL = 400

Row = dict[str, Any]  # a JSON object as it came; only client and cli look inside


class Connection:
    """Sends requests with a token, each on a connection of its own.

    The router closes idle connections whenever a route changes, which is what our verbs make it do: a
    request on one kept from before could meet the close.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        # Without a word of encodings any would do (RFC 9110, 12.5.3), and we read none.
        own = {"User-Agent": "stratum", "Accept-Encoding": "identity"}
        self._headers = {"Authorization": f"Bearer {token}", **own}

    def send(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
        silence_s: float = READ_TIMEOUT_S,
    ) -> Any:
        """Send one request below `/api` and return the JSON of its answer.

        Args:
            silence_s: after which the connection counts as lost.
        """
        request = _Request(method, path, params or {}, json, timeout_s=silence_s)
        with self._answered(request) as answer:
            said = b"".join(answer.body())
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
            if answer.status >= _FIRST_REFUSAL:
                self._check(answer, b"".join(answer.body()))
            yield from answer.body()

    @contextmanager
    def _answered(self, request: "_Request") -> Iterator[Answer]:
        try:
            with ExitStack() as held:
                yield self._asked(held, request)
        except (OSError, BadAnswer, ValueError) as error:
            raise ServerUnavailable(self.url, _reason(error)) from error

    def _asked(self, held: ExitStack, request: "_Request") -> Answer:
        """Begin an answer; what only reads is asked once more if the connection was closed without one.

        So it may be by a router that is just given other routes.
        """
        try:
            return self._sent(held, request)
        except ConnectionError:
            if request.method != "GET":
                raise
            return self._sent(held, request)

    def _sent(self, held: ExitStack, request: "_Request") -> Answer:
        wire = connected(self.url, request.timeout_s)
        held.enter_context(wire.connection)
        headers = {"Host": wire.host, **self._headers, **wire.headers, **request.headers}
        body = b"" if request.json is None else notation.dumps(request.json).encode()
        if body:
            headers["Content-Type"] = "application/json"
        if request.method != "GET":
            headers["Content-Length"] = str(len(body))
        # At once: a body that followed would find the server waiting for it.
        wire.connection.sendall(head(f"{request.method} {wire.before}/api{request.asked}", headers) + body)
        return Answer(wire.connection)

    def _check(self, answer: Answer, body: bytes) -> None:
        if answer.status < _FIRST_REFUSAL:
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
    text = str(error) or type(error).__name__
    return text[:1].lower() + text[1:].removesuffix(".")
