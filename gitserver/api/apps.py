"""Apps: made by whoever administers their environment, changed and destroyed by whoever administers them."""

import logging
from dataclasses import asdict, replace

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import again, app_named, caller, environment_to_administer, visible_apps
from gitserver.api.changes import done
from gitserver.api.shapes import AppChange, Confirmation, NewApp
from gitserver.git.repos import ensure_repo
from gitserver.services import services
from hooks.care.stock import repo_bytes
from hooks.quota import limits
from hooks.settle import point_head_of
from stratum import scaling
from stratum.errors import NotAllowed, NotFound, Unavailable
from stratum.model import App
from stratum.names import checked_branch, checked_name
from stratum.store import Transaction, environments, releases
from stratum.verbs.change import Change
from stratum.verbs.destroy import destroy
from stratum.verbs.rename import rename

log = logging.getLogger(__name__)

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
        if branch is not None:
            environments.set_deploy_branch(tx, made.id, branch)
    _prepare_repo(made)
    return rows.app(replace(made, deploy_branch=branch), services().instance), 201


@blueprint.get("/<environment>/<app>")
def show(environment: str, app: str) -> rows.Row:
    """Show one with the version that runs, what its repository holds, and the limits in force."""
    with services().database.read() as tx:
        found = environments.get_app(tx, app_named().id)
        if found is None:
            raise NotFound("app", f"{environment}/{app}")
        version = _version(tx, found)
    return {**_described(found), "release": version}


@blueprint.patch("/<environment>/<app>")
@blueprint.input(AppChange, location="json")
def change(environment: str, app: str, json_data: AppChange) -> rows.Row:
    """Change settings, from the next push on, and the name; those that are not given stay."""
    wished = _wished(json_data)
    name = checked_name("an app", json_data.name) if json_data.given("name") else None
    branch = checked_branch(json_data.deploy_branch) if json_data.given("deploy_branch") else None
    with services().database.write() as tx:
        environments.set_settings(tx, again(tx).id, wished)
        if branch is not None:
            environments.set_deploy_branch(tx, app_named().id, branch)
        renamed = Change(changed=bool(json_data.model_fields_set))
        if name is not None:
            renamed = _renamed(tx, again(tx), name)
        changed = again(tx)
    if branch is not None:
        point_head_of(services().instance, services().database, changed.id)
    return {**_described(changed), **done(renamed)}


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


def _renamed(tx: Transaction, app: App, name: str) -> Change:
    """Give it another name, which is the environment's to give, as that of a new app is.

    Raises:
        NotAllowed: the caller does not administer all of the environment.
    """
    if name != app.name:
        environment_to_administer(tx, app.environment.name, "rename apps in it")
    return rename(tx, app, name, who=caller().name)


def _prepare_repo(app: App) -> None:
    """Make the repository ready; should it fail, the first contact by git makes it."""
    try:
        ensure_repo(services().instance, app)
        point_head_of(services().instance, services().database, app.id)
    except Unavailable as error:
        log.warning("%s was made without a repository: %s", app.label, error)


def _wished(asked: AppChange) -> dict[str, object]:
    """Check what is asked for.

    Raises:
        NotAllowed: a limit is above the server's, or that of processes, and the caller is no administrator.
    """
    server = services().instance.settings
    sizes = asked.given("max_push_bytes", "max_repo_bytes")
    is_above = any(
        (wished or 0) > most
        for wished, most in (
            (asked.max_push_bytes, server.max_push_bytes),
            (asked.max_repo_bytes, server.max_repo_bytes),
        )
    )
    if is_above and not caller().is_admin:
        action = "give it more than the server's own limits"
        raise NotAllowed(action, app_named().label, "administer")
    count = asked.given("max_processes")
    if count and not caller().is_admin:
        action = "change how many processes it may have"
        raise NotAllowed(action, app_named().label, "administer")
    gate = {"gate": "" if asked.gate == "none" else asked.gate} if asked.given("gate") else {}
    plain = asked.given("protected", "supersede_running", "roll_back_within_s", "plain_http")
    return {**plain, **sizes, **count, **gate}


def _described(app: App) -> rows.Row:
    instance = services().instance
    size = repo_bytes(instance.layout.repo(app.id))
    in_force = {
        **asdict(limits(instance, app)),
        "processes": scaling.Limits.of(app, instance.settings).processes,
    }
    return {**rows.app(app, instance), "repo_bytes": size, "limits": in_force}


def _version(tx: Transaction, app: App) -> int | None:
    if app.current_release_id is None:
        return None
    return releases.get_release(tx, app.current_release_id).version
