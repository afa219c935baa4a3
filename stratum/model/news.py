"""What is told to others outside about an app, to whom, and how telling it went."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class NewsKind(StrEnum):
    """What has happened, in the form of Standard Webhooks: words with full stops between."""

    BUILD_SUCCEEDED = "build.succeeded"
    BUILD_FAILED = "build.failed"
    BUILD_CANCELED = "build.canceled"
    BUILD_SUPERSEDED = "build.superseded"
    RELEASE_LIVE = "release.live"
    RELEASE_FAILED = "release.failed"
    CRASH_LOOPING = "process.crash_looping"
    TEST = "notification.test"  # somebody wanted to see whether it arrives


class Channel(StrEnum):
    """How a subscriber is told."""

    WEBHOOK = "webhook"  # signed as Standard Webhooks says
    SLACK = "slack"  # an incoming web hook of Slack, or of what takes the same
    MAIL = "mail"


class MessageState(StrEnum):
    """Dead: it was tried for as long as it is, and only a replay tries it again."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class News:
    """Something that has happened to an app.

    Attributes:
        data: what there is to say, but for the app's name.
    """

    id: int
    app_id: int
    kind: NewsKind
    at: datetime
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Somebody who is told an app's news.

    Attributes:
        kinds: what is wanted: kinds of news, or `build.*` for all that begin so; none: all.
        shown: where it is told, without what is secret about that.
        sealed: where it is told and with which secrets (`stratum.subscribing.Wire`), encrypted.
        stopped: why nothing is told any more; empty: it is.
    """

    id: int
    app_id: int
    name: str
    channel: Channel
    kinds: tuple[str, ...]
    shown: str
    sealed: bytes
    stopped: str
    who: str
    created_at: datetime

    def wants(self, kind: str) -> bool:
        """Whether news of a kind is to be told."""
        return not self.kinds or any(
            kind == one or (one.endswith(".*") and kind.startswith(one[:-1])) for one in self.kinds
        )


@dataclass(frozen=True, slots=True)
class Message:
    """One piece of news for one subscriber.

    Attributes:
        key: names it to the subscriber, the same at every attempt: `msg_…`.
        body: what is sent, the same bytes at every attempt.
        attempts: that were begun since it was made, or last replayed.
        due_at: when it is tried next, while it waits.
    """

    id: int
    subscriber_id: int
    key: str
    kind: NewsKind
    body: str
    state: MessageState
    attempts: int
    due_at: datetime
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver a message.

    Attributes:
        status: what the subscriber's server answered; None where it did not come so far.
        error: why it is not delivered; empty: it is.
        answer: the beginning of what came back.
    """

    at: datetime
    status: int | None
    error: str
    seconds: float
    answer: str
