"""Apps, what they consist of, and what they keep."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from stratum.model.targets import TargetSettings


@dataclass(frozen=True, slots=True)
class Environment:
    """Namespace of apps. The stage picks `Procfile_<stage>`."""

    id: int
    name: str
    stage: str
    start_all: bool  # every target starts with scale 1, not only web
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ReviewOf:
    """What a review app was made for.

    Attributes:
        parent_id: the app whose source the pull request is of.
        parent_name: what that was called then.
        number: of the pull request.
    """

    parent_id: int
    parent_name: str
    number: int


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
    max_processes: int | None = None
    roll_back_within_s: int | None = None  # of a new release that crash-loops so soon; None: never
    maintenance: bool = False  # whoever visits it gets a page that says so
    plain_http: bool = False  # nobody is sent on from HTTP to HTTPS
    review: ReviewOf | None = None  # None: it is no review app

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
    """Target → scale wished; survives deploys, reboots, pauses and a target's absence.

    Attributes:
        scales: as wished, whether a target is paused or not.
        paused: targets that have no process until they are resumed.
        told: target → what the API was told of how it is kept; it goes before what app.json says.
    """

    scales: Mapping[str, int] = field(default_factory=dict)
    paused: frozenset[str] = frozenset()
    told: Mapping[str, TargetSettings] = field(default_factory=dict)

    def scale(self, target: str) -> int:
        """Processes that a target is to have now; 0 for one paused, or never launched."""
        return 0 if target in self.paused else self.remembered(target)

    def remembered(self, target: str) -> int:
        """Processes that a target has once it is not paused any more."""
        return self.scales.get(target, 0)

    @property
    def is_paused(self) -> bool:
        """Whether all there is of an app is paused; so is then what joins it."""
        return bool(self.scales) and self.scales.keys() <= self.paused
