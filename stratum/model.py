"""The words of the domain as values: what the store returns and the pure parts compute with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class PushState(StrEnum):
    """A push is journaled as pending before its ref moves."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class BuildState(StrEnum):
    """The last four are terminal. Waiting: built before its ref moved, and released once it has."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    SUPERSEDED = "superseded"

    @property
    def is_terminal(self) -> bool:
        """Whether the build will change no more."""
        return self not in (BuildState.QUEUED, BuildState.RUNNING, BuildState.WAITING)


class ReleaseState(StrEnum):
    """Pending until its first rollout ends; one release of an app is live. Pruned: its slug is not kept."""

    PENDING = "pending"
    LIVE = "live"
    RETIRED = "retired"
    FAILED = "failed"
    PRUNED = "pruned"


class Phase(StrEnum):
    """How far the command of a release's `release` target is; it runs once, before anything of it starts."""

    NONE = ""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


RELEASE_PHASE = "release"  # the target whose command that is; never a process


class RolloutState(StrEnum):
    """Live: all new processes are up and the router has switched; only draining is left."""

    QUEUED = "queued"
    RUNNING = "running"
    LIVE = "live"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def is_settled(self) -> bool:
        """Whether the person who waits may be told the result."""
        return self not in (RolloutState.QUEUED, RolloutState.RUNNING)


class Right(StrEnum):
    """What a token may do with an app; each includes those before it.

    Read: clone, fetch, see processes, logs, builds. Push: also refs that do not deploy. Deploy: also
    what deploys, and all that changes what runs. Admin: also settings, tokens, and the app's end.
    """

    READ = "read"
    PUSH = "push"
    DEPLOY = "deploy"
    ADMIN = "admin"

    def includes(self, other: "Right") -> bool:
        """Whether who has this one has the other, too."""
        order = tuple(Right)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Environment:
    """Namespace of apps. The stage picks `Procfile_<stage>`."""

    id: int
    name: str
    stage: str
    start_all: bool  # every target starts with scale 1, not only web
    created_at: datetime


@dataclass(frozen=True, slots=True)
class App:
    """One git repository and what runs from it."""

    id: int
    name: str
    environment: Environment
    deploy_branch: str | None  # set by the first push of master or main
    current_release_id: int | None
    destroying: bool
    created_at: datetime
    gate: str = ""  # "build": a push that deploys is taken only once its build has succeeded
    protected: bool = False  # the deploy branch may only be pushed forward
    supersede_running: bool = False  # a push gives up the build that runs, too
    max_push_bytes: int | None = None  # None: the server's
    max_repo_bytes: int | None = None

    @property
    def label(self) -> str:
        """`MyProdEnv/app02`, as people write it."""
        return f"{self.environment.name}/{self.name}"

    def host(self, apps_domain: str, name: str = "") -> str:
        """Name under which the router serves the app, in lower case.

        Args:
            name: what the app is called in the release that runs, where that is not what it is called now.
        """
        return f"{name or self.name}.{self.environment.name}.{apps_domain}".lower()


@dataclass(frozen=True, slots=True)
class Target:
    """One line of a Procfile: the command stays untouched."""

    name: str
    command: str


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret. An administrator's may do everything.

    Attributes:
        expires_at: from then on it is as good as unknown; None: never.
        created_by: name of the token it was made with; empty for the first one.
    """

    id: int
    name: str
    is_admin: bool
    created_at: datetime
    last_used_at: datetime | None
    rights: tuple["Grant", ...] = ()
    expires_at: datetime | None = None
    created_by: str = ""

    def has_expired(self, at: datetime) -> bool:
        """Whether it is worth nothing at a moment."""
        return self.expires_at is not None and self.expires_at <= at


@dataclass(frozen=True, slots=True)
class Grant:
    """A right on one app, or on all of an environment when `app_id` is None."""

    environment_id: int
    app_id: int | None
    right: Right


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """One command of a push. All zeros as `old` creates, as `new` deletes."""

    ref: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What a push asked of its build with `-o`.

    Attributes:
        color: escape sequences for colours of what the build prints are kept.
        scale: target → scale, wished together with the release.
        reason: the pusher's own words, shown with the release.
    """

    no_cache: bool = False
    color: bool = False
    scale: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""


NO_OPTIONS = BuildOptions()


@dataclass(frozen=True, slots=True)
class Push:
    """An accepted (or not yet settled) ref update."""

    id: int
    app_id: int
    update: RefUpdate
    who: str
    state: PushState
    deploys: bool
    web_process: str  # `pid:starttime` of the process that serves it
    receive_process: str  # the same of its git receive-pack
    created_at: datetime
    options: BuildOptions = NO_OPTIONS


@dataclass(frozen=True, slots=True)
class UsedBuildpack:
    """A buildpack that has made a slug; `url` and `commit` are empty for one that is built in."""

    name: str
    url: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a slug holds, as its build has seen it.

    Attributes:
        packages: name → version of what was installed for the app.
        site: folder of a static site, relative to the slug; empty for none.
    """

    buildpacks: tuple[UsedBuildpack, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)
    site: str = ""

    @classmethod
    def parse(cls, stored: Mapping[str, Any]) -> "Contents":
        """Read what `render` has made; what is missing is empty."""
        used = tuple(UsedBuildpack(**one) for one in stored.get("buildpacks", ()))
        return cls(used, dict(stored.get("packages", {})), stored.get("site", ""))

    def render(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "buildpacks": [asdict(one) for one in self.buildpacks],
            "packages": dict(self.packages),
            "site": self.site,
        }


NO_CONTENTS = Contents()


@dataclass(frozen=True, slots=True)
class Build:
    """Turning one push into a slug; numbered per app.

    Attributes:
        gate: `pid:starttime` of the web process that asked for it before the ref moves; empty for others.
        slug, targets, contents: what a gated build has made, until it is released.
        superseded_by: number of the newer build in whose favour it was dropped.
        error: why it has failed, or was given up; while it runs, why its builder is to give it up.
        started_at: when a builder last began it.
    """

    id: int
    app_id: int
    number: int
    push_id: int | None
    commit: str
    source: str  # push, redeploy
    who: str
    state: BuildState
    error: str
    release_id: int | None
    attempt: int
    fence: int
    owner: str
    lease_until: datetime | None
    created_at: datetime
    finished_at: datetime | None
    options: BuildOptions = NO_OPTIONS
    gate: str = ""
    slug: str = ""
    targets: tuple[Target, ...] = ()
    superseded_by: int | None = None
    started_at: datetime | None = None
    contents: Contents = NO_CONTENTS


@dataclass(frozen=True, slots=True)
class Release:
    """VN of an app: slug + config version + targets + cause. Only a release runs.

    Attributes:
        app_name: what the app was called when it was made; its processes and its host run under it.
        mounts: name of a volume → where in its folder its processes find it.
    """

    id: int
    app_id: int
    version: int
    build_id: int | None
    commit: str
    slug: str  # digest
    config_version: int
    targets: tuple[Target, ...]
    cause: str
    who: str
    state: ReleaseState
    created_at: datetime
    app_name: str
    name: str = ""
    note: str = ""
    pinned: bool = False  # its slug is kept, however many newer ones there are
    contents: Contents = NO_CONTENTS
    mounts: Mapping[str, str] = field(default_factory=dict)
    phase: Phase = Phase.NONE

    @property
    def has_site(self) -> bool:
        """Whether the router answers its requests from files; a web process goes before."""
        return bool(self.contents.site) and "web" not in self.target_names()

    def target_names(self) -> tuple[str, ...]:
        """Names of the targets, in the Procfile's order."""
        return tuple(target.name for target in self.targets)

    def process_names(self) -> tuple[str, ...]:
        """Names of those that processes are made of."""
        return tuple(name for name in self.target_names() if name != RELEASE_PHASE)

    @property
    def phase_command(self) -> str:
        """What is to run once before anything of it starts; empty for nothing."""
        return next((target.command for target in self.targets if target.name == RELEASE_PHASE), "")


@dataclass(frozen=True, slots=True)
class Volume:
    """A folder of an app that outlives its releases.

    Attributes:
        path: where the first release is to have it, relative to the app's folder; later each release says
            so itself. Empty for nowhere.
        destroying: its data is being removed, or that was cut off.
    """

    id: int
    app_id: int
    name: str
    path: str
    destroying: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Slot:
    """Place of a process in the formation; index from 1."""

    target: str
    index: int


@dataclass(frozen=True, slots=True)
class Formation:
    """Target → scale wished; survives deploys, reboots and a target's absence."""

    scales: Mapping[str, int] = field(default_factory=dict)

    def scale(self, target: str) -> int:
        """Processes wished of a target; 0 for one never launched."""
        return self.scales.get(target, 0)


class Outcome(StrEnum):
    """What a rollout did with one process."""

    KEPT = "kept"
    STARTED = "started"
    STOPPED = "stopped"
    RESTARTED = "restarted"  # of the old release, after a failure
    FAILED = "failed"
    RAN = "ran"  # once, and to its end: the release phase


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One process in a rollout's report."""

    name: str
    target: str
    index: int
    outcome: Outcome
    pid: int = 0
    port: int = 0
    seconds: float = 0.0
    note: str = ""  # how it ended, or why it failed
    output: tuple[str, ...] = ()  # last lines of a failed one


@dataclass(frozen=True, slots=True)
class Rollout:
    """One run of apply: cause, report, result."""

    id: int
    app_id: int
    number: int
    release_id: int | None  # None: the current one
    build_id: int | None  # whose log its lines join
    cause: str
    who: str
    state: RolloutState
    error: str
    formation_before: Mapping[str, int]  # scales to put back if it fails
    report: tuple[ReportLine, ...]
    attempt: int
    fence: int
    owner: str
    lease_until: datetime | None
    created_at: datetime
    finished_at: datetime | None
