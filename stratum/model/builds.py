"""From a push to what its build has made."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from stratum.model.apps import Target
from stratum.model.states import BuildState, PushState
from stratum.model.targets import TargetSettings


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
        scale: target → scale, wished with the release; a text such as `+1` changes what is wished by then.
        reason: the pusher's own words, shown with the release.
    """

    no_cache: bool = False
    color: bool = False
    scale: Mapping[str, int | str] = field(default_factory=dict)
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
        settings: target → how its app.json wants it kept.
    """

    buildpacks: tuple[UsedBuildpack, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)
    site: str = ""
    settings: Mapping[str, TargetSettings] = field(default_factory=dict)

    @classmethod
    def parse(cls, stored: Mapping[str, Any]) -> "Contents":
        """Read what `render` has made; what is missing is empty."""
        used = tuple(UsedBuildpack(**one) for one in stored.get("buildpacks", ()))
        settings = {name: TargetSettings.parse(one) for name, one in stored.get("settings", {}).items()}
        return cls(used, dict(stored.get("packages", {})), stored.get("site", ""), settings)

    def render(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "buildpacks": [asdict(one) for one in self.buildpacks],
            "packages": dict(self.packages),
            "site": self.site,
            "settings": {name: one.render() for name, one in self.settings.items()},
        }


NO_CONTENTS = Contents()


@dataclass(frozen=True, slots=True)
class Build:
    """Turning one push into a slug; numbered per app.

    Attributes:
        commit: empty while it is fetching, and for ever where nothing was pushed.
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
