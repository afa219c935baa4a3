"""What all errors have."""

from collections.abc import Sequence
from typing import Protocol


class Located(Protocol):
    """What is wrong at a place of a file."""

    def lines(self) -> Sequence[str]:
        """Say it in full."""
        ...


class StratumError(Exception):
    """Base of all; never raised itself.

    Attributes:
        slug: a short name for machines, stable over releases.
        hint: what the reader may do about it; empty when the message says it.
    """

    slug = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()
