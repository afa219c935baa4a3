"""Releases of an app, and going back to one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import again, app_named, caller
from gitserver.api.changes import done
from gitserver.api.shapes import Number, ReleaseChange, Rollback
from gitserver.services import services
from stratum.comparison import Side, compare
from stratum.errors import Conflict
from stratum.model import App, Release
from stratum.ownership import exclusive
from stratum.store import Transaction, builds, catalogue, environments, releases
from stratum.verbs import release

blueprint = APIBlueprint("releases", __name__, url_prefix="/api/apps/<environment>/<app>")
blueprint.record(Number.tell)


@blueprint.get("/releases")
def list_all(environment: str, app: str) -> list[rows.Row]:
    """List the newest hundred, and of those before which can be gone back to or have a name; newest first."""
    with services().database.read() as tx:
        found = environments.get_app(tx, app_named().id)
        current = None if found is None else found.current_release_id
        reasons, listed = builds.reasons(tx, app_named().id), catalogue.newest_and_kept(tx, app_named().id)
        return [rows.release(one, current, reasons.get(one.build_id or 0, "")) for one in listed]


@blueprint.get("/releases/<number:number>")
def show(environment: str, app: str, number: int) -> rows.Row:
    """Show one, and what it has changed next to the newest before it that ran."""
    with services().database.read() as tx:
        found = release.find(tx, app_named(), number)
        before = releases.predecessor(tx, found)
        new, old = _side(tx, found), None if before is None else _side(tx, before)
        row = _whole(tx, found)
    difference = None if old is None else compare(services().instance.layout, old, new)
    return {
        **row,
        "before": None if before is None else before.version,
        "changes": None if difference is None else rows.difference(difference),
    }


@blueprint.patch("/releases/<number:number>")
@blueprint.input(ReleaseChange, location="json")
def describe(environment: str, app: str, number: int, json_data: ReleaseChange) -> rows.Row:
    """Give one a name or a note, or keep it from being removed."""
    with services().database.write() as tx:
        found = release.describe(tx, again(tx), number, json_data.given())
        return _whole(tx, found)


@blueprint.post("/releases/<number:number>/verify")
def verify(environment: str, app: str, number: int) -> rows.Row:
    """See whether what it runs is there, and is what was built."""
    with services().database.read() as tx:
        found = release.find(tx, app_named(), number)
    with _alone(app_named(), "verify"):
        digest = services().door.slug_digest(found.app_id, found.slug)
    return {"version": number, "slug": found.slug, "found": digest or None, "sound": digest == found.slug}


@blueprint.post("/rollback")
@blueprint.input(Rollback, location="json")
def roll_back(environment: str, app: str, json_data: Rollback) -> rows.Row:
    """Release an older one's code and variables again."""
    with services().database.read() as tx:
        app_now = again(tx)
        goal = release.goal(tx, app_now, json_data.version)
    if goal.id != app_now.current_release_id:
        with _alone(app_now, "rollback"):
            release.check_sound(services().door, goal)
    with services().database.write() as tx:
        change = release.rollback(tx, again(tx), goal.version, who=caller().name)
    return done(change)


@blueprint.post("/redeploy")
def redeploy(environment: str, app: str) -> rows.Row:
    """Build the current commit again."""
    with services().database.write() as tx:
        build = release.redeploy(tx, again(tx), who=caller().name)
    services().nudges.build(app_named().id)
    return {"changed": True, "build": build.number}


@contextmanager
def _alone(app: App, what: str) -> Iterator[None]:
    """Let nobody else ask the same of the app in the block: to read a slug may take minutes of a processor.

    Raises:
        Conflict: somebody has asked.
    """
    with exclusive(services().instance.layout.locks / f"{what}-{app.id}") as is_alone:
        if not is_alone:
            message = f"What a release of {app.label} runs is being read already, for another {what}."
            raise Conflict(message, "Ask again when that one has been answered.")
        yield


def _whole(tx: Transaction, found: Release) -> rows.Row:
    app = environments.get_app(tx, found.app_id)
    build = None if found.build_id is None else builds.get_build(tx, found.build_id)
    return {
        **rows.release(
            found, None if app is None else app.current_release_id, build.options.reason if build else ""
        ),
        "build": None if build is None else build.number,
        "slug": found.slug,
        "config": found.config_version,
        "commands": {target.name: target.command for target in found.targets},
        "buildpacks": [asdict(used) for used in found.contents.buildpacks],
        "packages": dict(found.contents.packages),
        "storage": dict(found.mounts),
    }


def _side(tx: Transaction, found: Release) -> Side:
    return Side(found, releases.get_config(tx, found.app_id, found.config_version))
