"""Releases, and what became of making them run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from stratum.model.apps import Target
from stratum.model.builds import NO_CONTENTS, Contents
from stratum.model.states import RELEASE_PHASE, Outcome, Phase, ReleaseState, RolloutState


@dataclass(frozen=True, slots=True)
class Release:
    """VN of an app: slug + config version + targets + cause. Only a release runs.

    Attributes:
        app_name: what the app was called when it was made; its processes and its host run under it.
        mounts: name of a volume → where in its folder its processes find it.
        staying: newer releases have left processes of it running, and its slug is kept for these.
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
    staying: bool = False

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
    """One run of apply: cause, report, result.

    Attributes:
        resumed: targets that it ends the pause of; paused again if it fails.
        was_live: an attempt at it, this one or an earlier, has come as far as that.
    """

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
    resumed: tuple[str, ...] = ()
    was_live: bool = False
