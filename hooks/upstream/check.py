"""What others say of a commit. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check is."""

    GREEN = "green"
    RED = "red"
    OPEN = "open"  # it has not ended


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that somebody says of a commit."""

    name: str
    state: State
