"""Answers to git: its own data, or for a person a line of plain text, which git shows."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from gitserver.errors import RETRY_AFTER_S, headers_of, status_of
from gitserver.git.body import BadBody, BodyTooLarge, BodyTooSlow
from stratum.errors import StratumError

HEADERS = {"Cache-Control": "no-cache, max-age=0, must-revalidate", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True)
class Data:
    """What git reads.

    Not werkzeug's response, which is a tenth of what the list of refs costs here.

    Attributes:
        kind: the content type.
        pieces: closed when they have been sent, if they can be.
        size: in bytes; None: it is known when all has been sent.
    """

    kind: str
    pieces: Iterable[bytes]
    size: int | None = None

    @classmethod
    def known(cls, kind: str, said: bytes) -> "Data":
        """Answer with bytes that are there already."""
        return cls(kind, (said,), len(said))

    def headers(self) -> list[tuple[str, str]]:
        """Give them as WSGI has them."""
        length = [] if self.size is None else [("Content-Length", str(self.size))]
        return [*HEADERS.items(), ("Content-Type", self.kind), *length]


def line(text: str, status: int) -> Response:
    """Answer with a line."""
    return Response(f"{text}\n", status, HEADERS, content_type="text/plain; charset=utf-8")


def told(error: StratumError) -> Response | None:
    """Answer with an error; None for one that must not reach a caller."""
    status = {BadBody: 400, BodyTooLarge: 413, BodyTooSlow: 408}.get(type(error)) or status_of(error)
    if status is None:
        return None
    answer = line(str(error), status)
    answer.headers.extend(headers_of(error))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


def refused(error: HTTPException) -> Response:
    """Answer with what is wrong with a request."""
    return line(error.description or error.name, error.code or 500)
