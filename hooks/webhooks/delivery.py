"""What a git server has sent, before anything of it is believed. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Delivery:
    """The headers and the bytes of one request.

    Attributes:
        headers: by names in small letters.
        body: as it was sent; signatures are over these bytes.
    """

    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, headers: Iterable[tuple[str, str]], body: bytes) -> Self:
        """Take a request's headers as they came; of those that came twice the last counts."""
        return cls({name.lower(): value for name, value in headers}, body)

    def first(self, *names: str) -> str:
        """Return the first of some headers that is there and not empty; else an empty text."""
        return next((found for name in names if (found := self.headers.get(name, "").strip())), "")
