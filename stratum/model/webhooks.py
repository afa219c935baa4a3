"""Web hooks of git servers, and what they have delivered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stratum.model.reviews import PullRequest
from stratum.webhooks import Provider


class Credential(StrEnum):
    """With what an app's source is fetched."""

    NONE = "none"  # it is public
    TOKEN = "token"
    KEY = "key"  # a deploy key, by SSH


class DeliveryState(StrEnum):
    """What has become of a delivery."""

    QUEUED = "queued"  # taken, and to be fetched
    PUSHED = "pushed"
    DONE = "done"  # and there was nothing to push
    IGNORED = "ignored"  # there was nothing to do
    FAILED = "failed"
    REFUSED = "refused"  # not signed, disabled, or malformed


@dataclass(frozen=True, slots=True)
class Webhook:
    """One web hook of an app.

    Attributes:
        public_id: names it in its address.
        sealed_secrets: `current`, and `previous` where another was live before (stratum.secrets).
        branches: patterns; none: the app's deploy branch.
        paths: patterns of files, of which one must differ; none: any.
        clone_url: where the source is fetched from, as it was checked when it was given.
        sealed_credential: `user` and `password`, or of deploy keys the private ones: `current`, and
            `previous` where that is kept; None where there is none.
        rotated_at: since when the current secret is.
        deploy_keys: lines to be pasted, the current one first.
        host_keys: lines; the server that the source is fetched from by SSH must have one of these.
    """

    id: int
    app_id: int
    public_id: str
    provider: Provider
    enabled: bool
    sealed_secrets: bytes
    branches: tuple[str, ...]
    paths: tuple[str, ...]
    clone_url: str
    credential: Credential
    sealed_credential: bytes | None
    created_by: str
    created_at: datetime
    rotated_at: datetime
    deploy_keys: tuple[str, ...] = ()
    host_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery as it is to be recorded.

    Attributes:
        delivery_id: the sender's own; empty where it has none.
        event: the sender's word for it.
        headers: as they may be shown.
        size: of the body, in bytes.
        reason: a clause; may be empty.
        branch: that is to be deployed; empty when none is.
        commit: that the sender says it is at.
        body: empty when it is not kept.
        build: number of the build that it is to lead to; None where it leads to none.
        pull: what it tells of a pull request; None: it is about branches.
        build_app_id: whose build that is; None: its web hook's own app's.
    """

    delivery_id: str
    event: str
    headers: Mapping[str, str]
    size: int
    state: DeliveryState
    reason: str
    branch: str = ""
    commit: str = ""
    body: bytes = b""
    build: int | None = None
    pull: PullRequest | None = None
    build_app_id: int | None = None


@dataclass(frozen=True, slots=True)
class RecordedDelivery:
    """A delivery that was recorded.

    Attributes:
        repeats: how many times the same came again.
        build: number of what is, was or was to be built for it.
        build_app_id: whose build that is; None where there is none.
        attempts: how often it was tried to fetch.
        next_at: no sooner is it tried again; None: at once.
    """

    id: int
    webhook_id: int
    app_id: int
    delivery_id: str
    event: str
    headers: Mapping[str, str]
    size: int
    state: DeliveryState
    reason: str
    branch: str
    commit: str
    received_at: datetime
    repeats: int
    build: int | None
    attempts: int
    next_at: datetime | None
    ended_at: datetime | None
    pull: PullRequest | None = None
    build_app_id: int | None = None
