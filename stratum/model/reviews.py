"""Review apps: what a pull request elsewhere asks for, and the app that is made for it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request, or merge request, as its git server told of it.

    Attributes:
        number: within the repository that it is to be merged into.
        is_open: whether it may still be merged.
        ref: where its newest commit is in that repository; empty: nowhere.
        branch: that it comes from, as people call it.
        commit: its newest; Bitbucket Cloud tells only how it begins.
        source: repository that it comes from, as the sender calls it; empty once that is gone.
        target: repository that it is to be merged into, as the sender calls it.
        is_fork: whether the two are not the same.
        at: when anything of it changed last; None where the sender does not tell.
    """

    number: int
    is_open: bool
    ref: str
    branch: str
    commit: str
    source: str
    target: str
    is_fork: bool
    at: datetime | None = None

    def render(self) -> dict[str, object]:
        """Return what `parse` reads, of JSON's kinds."""
        return {**asdict(self), "at": self.at.isoformat() if self.at else None}

    @classmethod
    def parse(cls, kept: Mapping[str, Any]) -> Self:
        """Read what `render` has made."""
        return cls(**{**kept, "at": datetime.fromisoformat(kept["at"]) if kept["at"] else None})


class ReviewState(StrEnum):
    """What is wished of a pull request's review app."""

    OPEN = "open"  # that it runs what the pull request is at
    WAITING = "waiting"  # nothing before a maintainer's word: it comes from a fork
    CLOSED = "closed"  # that there is none


@dataclass(frozen=True, slots=True)
class ReviewPolicy:
    """Whether and how an app's pull requests are given review apps.

    Attributes:
        most: review apps that there may be at once.
        variables: names of the app's own variables that are lent to them.
        sealed_values: variables that they are given besides (stratum.secrets); None: none.
        ttl_days: after so long without news one goes by itself; 0: never.
    """

    app_id: int
    enabled: bool
    most: int
    variables: tuple[str, ...]
    sealed_values: bytes | None
    ttl_days: int


@dataclass(frozen=True, slots=True)
class ReviewApp:
    """A pull request of an app's source, and what was made for it.

    Attributes:
        parent_id: the app.
        webhook_id: who tells of it; None: that is gone.
        app_id: the review app, be it that it is being destroyed; None: there is none.
        approved: the commit that a maintainer has let in; empty: none.
        with_values: whether that word lends what the policy has to lend, too.
        lent: names of the variables that were.
        updated_at: when it was last told of, or spoken for.
    """

    id: int
    parent_id: int
    webhook_id: int | None
    number: int
    state: ReviewState
    pull: PullRequest
    app_id: int | None
    approved: str
    with_values: bool
    lent: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
