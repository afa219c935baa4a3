"""What a delivery says has happened, in the same words for every git server. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from stratum.model import PullRequest


class Kind(StrEnum):
    """What a delivery is about."""

    PUSH = "push"
    PULL = "pull"  # a pull request was opened, pushed to, or closed
    PING = "ping"  # only to see whether anybody answers
    CHECKS = "checks"  # somebody has said something of commits
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Change:
    """One ref that has moved.

    Attributes:
        ref: in full: `refs/heads/main`.
        old: the commit before; empty when the ref was made.
        new: the commit now; empty when the ref was removed.
        message: of the newest commit; empty where the sender does not tell it.
        paths: all files that differ, None where the sender does not tell them, or not surely all.
    """

    ref: str
    old: str
    new: str
    message: str = ""
    paths: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A delivery that was read.

    Attributes:
        name: the sender's own word: `push`, `repo:refs_changed`.
        delivery_id: the sender's own; the same when it sends the delivery again. Empty where it has none.
        repository: as the sender calls it, to be shown and for nothing else.
        checked: commits whose checks it tells of; what they are is asked of the git server.
    """

    kind: Kind
    name: str
    delivery_id: str
    changes: tuple[Change, ...] = ()
    repository: str = ""
    checked: tuple[str, ...] = ()
    pull: PullRequest | None = None
