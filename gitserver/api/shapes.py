"""Shapes of requests, checked before a view runs; what the values mean is checked by the core."""

from typing import Annotated, Literal

from flask.blueprints import BlueprintSetupState
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel
from werkzeug.routing import IntegerConverter

from hooks.webhooks.filters import MAX_PATTERN, MAX_PATTERNS
from hooks.webhooks.source import MAX_URL
from hooks.webhooks.ssh.keys import MAX_HOST_KEY, MAX_HOST_KEYS
from stratum.model import MessageState, Right
from stratum.sizes import MAX_BYTES
from stratum.verbs.reviews import HIGHEST_MOST, LONGEST_TTL_DAYS, MAX_VARIABLES, MOST, TTL_DAYS
from stratum.webhooks import Provider

MAX_WAIT_S = 30.0
MAX_WITHIN_S = 24 * 3600
MAX_LINES = 10_000
MAX_DIGITS = 18  # all numbers of so many are integers of SQLite
MAX_NUMBER = 10**MAX_DIGITS - 1
MAX_TARGETS = 1000  # more than a Procfile's 64 KiB name in practice
MAX_PROCESSES = 100_000  # of an app: more than one machine has
MAX_GRANTS = 1000  # each is a row, and all others who write wait for them
MAX_OFFSET = 1 << 40  # bytes; seeking far beyond is an error of some file systems


class Number(IntegerConverter):
    """A build or a rollout in a path, `<number:…>`; more digits are no path at all."""

    regex = rf"\d{{1,{MAX_DIGITS}}}"

    @classmethod
    def tell(cls, setup: BlueprintSetupState) -> None:
        """Have an app know it before it meets the routes of a blueprint: `blueprint.record(Number.tell)`."""
        setup.app.url_map.converters["number"] = cls


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewEnvironment(_Body):
    """Body of POST environments."""

    name: str
    stage: str = "production"
    start_all: bool = Field(default=False, strict=True)


class NewApp(_Body):
    """Body of POST apps."""

    name: str
    environment: str
    deploy_branch: str | None = None


class AppChange(_Body):
    """Body of PATCH apps: what is to be changed. A limit that is null is the server's; no time is never."""

    name: str = ""
    deploy_branch: str = ""
    gate: Literal["build", "none"] = "none"
    protected: bool = Field(default=False, strict=True)
    supersede_running: bool = Field(default=False, strict=True)
    max_push_bytes: int | None = Field(default=None, strict=True, ge=1, le=MAX_BYTES)
    max_repo_bytes: int | None = Field(default=None, strict=True, ge=1, le=MAX_BYTES)
    max_processes: int | None = Field(default=None, strict=True, ge=0, le=MAX_PROCESSES)
    roll_back_within_s: int | None = Field(default=None, strict=True, ge=1, le=MAX_WITHIN_S)
    plain_http: bool = Field(default=False, strict=True)

    def given(self, *names: str) -> dict[str, object]:
        """Return those of the fields that the body has."""
        return {name: getattr(self, name) for name in names if name in self.model_fields_set}


class NewDomain(_Body):
    """Body of POST domains."""

    name: str


class Maintenance(_Body):
    """Body of PUT maintenance."""

    on: bool = Field(strict=True)


class Confirmation(_Body):
    """Body of DELETE: the name, typed once more."""

    confirm: str


class Scales(RootModel[dict[str, object]]):
    """Body of PUT formation: {target: scale}."""


class Targets(_Body):
    """Body of POST pause and resume; none: all."""

    targets: list[str] = Field(default_factory=list, max_length=MAX_TARGETS)


class Settings(RootModel[dict[str, object]]):
    """Body of PATCH targets: {key: value}; null: no longer said."""


class VariablesEdit(BaseModel):
    """Body of PATCH variables."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    # `set` itself would hide the type of that name within the class
    set_: dict[str, str] = Field(default_factory=dict, alias="set")
    unset: list[str] = Field(default_factory=list)


class NewVolume(_Body):
    """Body of POST storage; with a path it is mounted there."""

    name: str
    path: str | None = None


class Mount(_Body):
    """Body of PATCH storage: where it is mounted; null: nowhere."""

    path: str | None


Pattern = Annotated[str, Field(max_length=MAX_PATTERN)]
Patterns = Annotated[list[Pattern], Field(max_length=MAX_PATTERNS)]
HostKey = Annotated[str, Field(max_length=MAX_HOST_KEY)]
HostKeys = Annotated[list[HostKey], Field(max_length=MAX_HOST_KEYS)]


class NewWebhook(_Body):
    """Body of POST webhooks; with a token the source is fetched as its user, by SSH with a deploy key."""

    provider: Provider
    clone_url: str = Field(max_length=MAX_URL)
    branches: Patterns = Field(default_factory=list)
    paths: Patterns = Field(default_factory=list)
    user: str = Field(default="", max_length=255, pattern=r"^[!-9;-~]*$")
    token: str = Field(default="", max_length=4096, pattern=r"^[!-~]*$")
    host_keys: HostKeys = Field(default_factory=list)


class WebhookChange(_Body):
    """Body of PATCH webhooks: what is to be changed."""

    enabled: bool = Field(default=True, strict=True)
    clone_url: str = Field(default="", max_length=MAX_URL)
    branches: Patterns = Field(default_factory=list)
    paths: Patterns = Field(default_factory=list)
    host_keys: HostKeys = Field(default_factory=list, min_length=1)
    statuses: bool = Field(default=False, strict=True)
    deployments: bool = Field(default=False, strict=True)
    wait_for_ci: bool = Field(default=False, strict=True)
    ci_limit_s: int = Field(default=3600, ge=60, le=MAX_WITHIN_S, strict=True)
    status_token: str = Field(default="", min_length=1, max_length=4096, pattern=r"^[!-~]*$")
    api_url: str = Field(default="", max_length=MAX_URL)

    def given(self) -> dict[str, object]:
        """Return those of the fields that the body has."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class ReviewPolicyChange(_Body):
    """Body of PATCH review-apps: what is to be changed.

    `variables` are names of the app's own that are lent; `values` are lent besides, in place of all so far.
    """

    enabled: bool = Field(default=True, strict=True)
    most: int = Field(default=MOST, strict=True, ge=1, le=HIGHEST_MOST)
    ttl_days: int = Field(default=TTL_DAYS, strict=True, ge=0, le=LONGEST_TTL_DAYS)
    variables: list[Annotated[str, Field(max_length=255)]] = Field(
        default_factory=list, max_length=MAX_VARIABLES
    )
    values: dict[str, str] = Field(default_factory=dict, max_length=MAX_VARIABLES)

    def given(self) -> dict[str, object]:
        """Return those of the fields that the body has."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class ReviewApproval(_Body):
    """Body of POST review-apps/<number>/approve: how the commit begins that was looked at; empty: any."""

    commit: str = Field(default="", pattern=r"^([0-9a-f]{7,64})?$")
    with_variables: bool = Field(default=False, strict=True)


class Rotation(_Body):
    """Body of POST webhooks/<id>/rotate: whether the secret before is refused from now on."""

    at_once: bool = Field(default=False, strict=True)


class PinnedBuildpack(_Body):
    """Body of POST buildpacks/update: a URL; empty: all."""

    url: str = ""


class Rollback(_Body):
    """Body of POST rollback; no version: the newest that ran before."""

    version: int | None = Field(default=None, strict=True, ge=1, le=MAX_NUMBER)


class ReleaseChange(_Body):
    """Body of PATCH releases: what people say of one, and whether it is kept."""

    name: str = Field(default="", max_length=63)
    note: str = Field(default="", max_length=10_000)
    pinned: bool = Field(default=False, strict=True)

    def given(self) -> dict[str, object]:
        """Return those of the fields that the body has."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class NewGrant(_Body):
    """A right on an app, or on a whole environment."""

    environment: str
    app: str | None = None
    right: Right


class NewToken(_Body):
    """Body of POST tokens; `expires_at` is ISO 8601 with its zone."""

    name: str
    admin: bool = Field(default=False, strict=True)
    grants: list[NewGrant] = Field(default_factory=list, max_length=MAX_GRANTS)
    expires_at: AwareDatetime | None = None


class NewNotification(_Body):
    """Body of POST notifications: `events` are kinds of news; none: all."""

    name: str
    url: str = Field(max_length=4000)
    events: list[str] = Field(default_factory=list, max_length=100)


class NotificationChange(_Body):
    """Body of PATCH notifications."""

    enabled: bool = Field(strict=True)


class Messages(BaseModel):
    """Query of what was to be sent."""

    state: MessageState | None = None
    lines: int = Field(default=100, ge=1, le=500)


class Following(BaseModel):
    """Query of a build's log."""

    offset: int = Field(default=0, ge=0, le=MAX_OFFSET)
    follow: bool = False


class Events(BaseModel):
    """Query of what became of an app's processes."""

    target: str | None = None
    lines: int = Field(default=100, ge=0, le=MAX_LINES)
    follow: bool = False
    cursor: str | None = Field(default=None, max_length=100)


class Logs(BaseModel):
    """Query of an app's logs."""

    target: str | None = None
    index: int | None = Field(default=None, ge=1, le=99_999)
    lines: int | None = Field(default=None, ge=0, le=MAX_LINES)
    since: str | None = Field(default=None, max_length=64)
    grep: str = Field(default="", max_length=1000)
    follow: bool = False
    timestamps: bool = False
    cursor: str | None = Field(default=None, max_length=16_000)

    @property
    def most(self) -> int:
        """How many lines of each process: all since a time, unless a number is given."""
        if self.lines is not None:
            return self.lines
        return 100 if self.since is None else MAX_LINES


class Wait(BaseModel):
    """Query of a rollout: how long to wait, and for what.

    Settled: it is live or has failed. Ended: what it replaced has stopped, too.
    """

    wait_s: float = Field(default=0, ge=0, le=MAX_WAIT_S)
    until: Literal["settled", "ended"] = "settled"
