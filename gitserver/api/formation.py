"""How many processes of each target are wished, and what processes there are."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import again, app_named, caller
from gitserver.api.changes import done
from gitserver.api.lastwords import last_said
from gitserver.api.shapes import Scales, Targets
from gitserver.services import services
from stratum import processes
from stratum.model import App, Formation, Release
from stratum.pauses import resting as paused_processes
from stratum.scaling import Limits
from stratum.staying import in_place, staying
from stratum.store import Transaction, crashes, formation, names, releases
from stratum.verbs import automatic
from stratum.verbs.pause import pause, resume
from stratum.verbs.scale import launch, scale

blueprint = APIBlueprint("formation", __name__, url_prefix="/api/apps/<environment>/<app>")


@blueprint.get("/formation")
def show(environment: str, app: str) -> list[rows.Row]:
    """List the scales wished; `present`: whether the current release has the target.

    A target that is `paused` has no processes, and its scale once it is resumed.
    """
    with services().database.read() as tx:
        return _listing(tx, app_named())


@blueprint.put("/formation")
@blueprint.input(Scales, location="json")
def change_scales(environment: str, app: str, json_data: Scales) -> rows.Row:
    """Wish scales, or change them (`"+1"`, `"-2"`); targets that are not named keep theirs."""
    with services().database.write() as tx:
        found = again(tx)
        change = scale(tx, found, json_data.root, who=caller().name, limits=_limits(found))
        wished = _listing(tx, app_named())
    return {**done(change), "formation": wished}


@blueprint.post("/workers/<target>")
def launch_worker(environment: str, app: str, target: str) -> rows.Row:
    """Launch a target as a worker, unless it runs."""
    with services().database.write() as tx:
        found = again(tx)
        change = launch(tx, found, target, who=caller().name, limits=_limits(found))
        wished = _listing(tx, app_named())
    return {**done(change), "formation": wished}


@blueprint.post("/pause")
@blueprint.input(Targets, location="json")
def pause_targets(environment: str, app: str, json_data: Targets) -> rows.Row:
    """Have targets, or all of them, at rest until they are resumed."""
    with services().database.write() as tx:
        change = pause(tx, again(tx), json_data.targets, who=caller().name)
        wished = _listing(tx, app_named())
    return {**done(change), "formation": wished}


@blueprint.post("/resume")
@blueprint.input(Targets, location="json")
def resume_targets(environment: str, app: str, json_data: Targets) -> rows.Row:
    """End the pause of targets, or of all: each has its scale again."""
    with services().database.write() as tx:
        found = again(tx)
        change = resume(tx, found, json_data.targets, who=caller().name, limits=_limits(found))
        wished = _listing(tx, app_named())
    return {**done(change), "formation": wished}


@blueprint.get("/processes")
def list_processes(environment: str, app: str) -> list[rows.Row]:
    """List the processes that should run and those that do."""
    with services().database.read() as tx:
        now = _Present.of(tx, app_named())
        ports = formation.ports_of(tx, app_named().id)
        looping = crashes.crashes(tx, app_named().id)
        note = automatic.told(tx, app_named())
        begin = processes.prefixes(app_named(), names.names_of(tx, app_named().id))
    statuses = [status for prefix in begin for status in services().supervisor.status(prefix)]
    up_since = datetime.now(UTC) - timedelta(seconds=services().instance.settings.alive_after_s)
    living = {status.name for status in statuses if not status.has_ended}
    wished = in_place(now.wished(), living, now.staying())
    listed = [*now.site(), *processes.listed(wished, statuses, ports, up_since, looping)]
    there = {found.name for found in listed}
    listed += [found for found in now.resting() if found.name not in there]  # others are still stopping
    return [rows.process(found, last_said(services(), found), note) for found in listed]


def _limits(app: App) -> Limits:
    return Limits.of(app, services().instance.settings)


def _listing(tx: Transaction, app: App) -> list[rows.Row]:
    now = _Present.of(tx, app)
    wished, known = now.formation, now.targets()
    return [
        {
            "target": target,
            "scale": wished.remembered(target),
            "paused": target in wished.paused,
            "present": target in known,
        }
        for target in [*known, *sorted(set(wished.scales) - set(known))]
    ]


@dataclass(frozen=True, slots=True)
class _Present:
    """What is wished of an app, and its current release; without one there is nothing of it."""

    app: App
    release: Release | None
    formation: Formation

    @classmethod
    def of(cls, tx: Transaction, app: App) -> Self:
        current = app.current_release_id
        release = None if current is None else releases.get_release(tx, current)
        return cls(app, release, formation.get_formation(tx, app.id))

    def targets(self) -> tuple[str, ...]:
        return self.release.process_names() if self.release else ()

    def wished(self) -> list[str]:
        """Name the processes that the release should have."""
        return processes.wished_names(self.app, self.release, self.formation) if self.release else []

    def site(self) -> list[processes.Process]:
        """What the router serves by itself, as a row of its own."""
        release = self.release
        return [processes.served(self.app, release)] if release is not None and release.has_site else []

    def resting(self) -> list[processes.Process]:
        """What comes back once its target is resumed."""
        return paused_processes(self.app, self.release, self.formation) if self.release else []

    def staying(self) -> frozenset[str]:
        """Name the targets whose processes may be those of an older release."""
        return staying(self.release, self.formation) if self.release else frozenset()
