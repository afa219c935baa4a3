"""Requests to one server; what goes wrong becomes `ServerUnavailable` or `Refused`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from stratum.errors import Refused, ServerUnavailable

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 60.0

# The router closes idle connections whenever a route changes, which is what our verbs make it do: a
# request on one kept from before could meet the close.
FRESH = httpx.Limits(max_keepalive_connections=0)

Row = dict[str, Any]  # a JSON object as it came; only client and cli look inside


class Connection:
    """Sends requests with a token."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._http: httpx.Client | None = None

    def close(self) -> None:
        """Close what is open."""
        if self._http is not None:
            self._http.close()

    def send(
        self, method: str, path: str, *, json: object = None, params: Mapping[str, str] | None = None
    ) -> Any:
        """Send one request below `/api` and return the JSON of its answer."""
        with self._translated():
            answer = self._client().request(method, path, json=json, params=params)
        self._check(answer)
        try:
            return answer.json()
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
        quiet = httpx.Timeout(CONNECT_TIMEOUT_S, read=silence_s)
        with (
            self._translated(),
            self._client().stream("GET", path, params=params, headers=headers, timeout=quiet) as answer,
        ):
            if answer.is_error:
                answer.read()
                self._check(answer)
            yield from answer.iter_bytes()

    def _client(self) -> httpx.Client:
        if self._http is None:
            timeout = httpx.Timeout(CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S)
            try:
                self._http = httpx.Client(
                    base_url=f"{self.url}/api", headers=self._headers, timeout=timeout, limits=FRESH
                )
            except httpx.InvalidURL as error:
                raise ServerUnavailable(self.url, str(error)) from error
        return self._http

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise ServerUnavailable(self.url, _reason(error)) from error

    def _check(self, answer: httpx.Response) -> None:
        if not answer.is_error:
            return
        try:
            said = answer.json()
            raise Refused(answer.status_code, said["error"], said["message"], said["hint"])
        except (ValueError, KeyError, TypeError) as error:
            code = answer.status_code
            reason = f"it answered {code} {answer.reason_phrase}".strip()
            raise ServerUnavailable(self.url, reason) from error


def _reason(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text[:1].lower() + text[1:].removesuffix(".")
