"""Apps: made by whoever administers their environment, changed and destroyed by whoever administers them."""

from dataclasses import replace

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import app_named, caller, environment_to_administer, visible_apps
from gitserver.api.changes import done
from gitserver.api.shapes import AppChange, Confirmation, NewApp
from gitserver.git.repos import ensure_repo
from gitserver.services import services
from hooks.settle import point_head_of
from stratum.errors import NotFound
from stratum.model import App
from stratum.names import checked_branch, checked_name
from stratum.store import Transaction, environments, releases
from stratum.verbs.destroy import destroy

blueprint = APIBlueprint("apps", __name__, url_prefix="/api/apps")


@blueprint.get("")
def list_all() -> list[rows.Row]:
    """List them by environment and name."""
    with services().database.read() as tx:
        found = visible_apps(tx)
    return [rows.app(app, services().instance) for app in found]


@blueprint.post("")
@blueprint.input(NewApp, location="json")
def create(json_data: NewApp) -> tuple[rows.Row, int]:
    """Create one with an empty repository."""
    name = checked_name("an app", json_data.name)
    branch = None if json_data.deploy_branch is None else checked_branch(json_data.deploy_branch)
    with services().database.write() as tx:
        environment = environment_to_administer(tx, json_data.environment, "create apps in it")
        made = environments.add_app(tx, environment, name)
    ensure_repo(services().instance, made)
    if branch is not None:
        made = _deploying(made, branch)
    return rows.app(made, services().instance), 201


@blueprint.get("/<environment>/<app>")
def show(environment: str, app: str) -> rows.Row:
    """Show one with the version that runs."""
    with services().database.read() as tx:
        found = environments.get_app(tx, app_named().id)
        if found is None:
            raise NotFound("app", f"{environment}/{app}")
        return {**rows.app(found, services().instance), "release": _version(tx, found)}


@blueprint.patch("/<environment>/<app>")
@blueprint.input(AppChange, location="json")
def change(environment: str, app: str, json_data: AppChange) -> rows.Row:
    """Choose the branch that deploys from the next push on."""
    changed = _deploying(app_named(), checked_branch(json_data.deploy_branch))
    return rows.app(changed, services().instance)


@blueprint.delete("/<environment>/<app>")
@blueprint.input(Confirmation, location="json")
def remove(environment: str, app: str, json_data: Confirmation) -> rows.Row:
    """Begin to destroy one; it answers 404 when it is gone."""
    with services().database.write() as tx:
        found = environments.get_app(tx, app_named().id)
        if found is None:
            raise NotFound("app", f"{environment}/{app}")
        change = destroy(tx, found, json_data.confirm, who=caller().name)
    return done(change)


def _deploying(app: App, branch: str) -> App:
    with services().database.write() as tx:
        environments.set_deploy_branch(tx, app.id, branch)
    point_head_of(services().instance, services().database, app.id)
    return replace(app, deploy_branch=branch)


def _version(tx: Transaction, app: App) -> int | None:
    if app.current_release_id is None:
        return None
    return releases.get_release(tx, app.current_release_id).version
