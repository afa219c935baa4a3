"""Environments: made and removed by administrators, seen by whoever has a right on anything in one."""

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import administrator, environment_named, visible_environments
from gitserver.api.shapes import NewEnvironment
from gitserver.services import services
from stratum.names import checked_name
from stratum.store import environments

blueprint = APIBlueprint("environments", __name__, url_prefix="/api/environments")


@blueprint.get("")
def list_all() -> list[rows.Row]:
    """List them by name."""
    with services().database.read() as tx:
        return [rows.environment(found) for found in visible_environments(tx)]


@blueprint.post("")
@blueprint.input(NewEnvironment, location="json")
def create(json_data: NewEnvironment) -> tuple[rows.Row, int]:
    """Create one."""
    administrator("create environments")
    name = checked_name("an environment", json_data.name)
    stage = checked_name("a stage", json_data.stage)
    with services().database.write() as tx:
        made = environments.add_environment(tx, name, stage, start_all=json_data.start_all)
    return rows.environment(made), 201


@blueprint.delete("/<name>")
def remove(name: str) -> rows.Row:
    """Remove one that has no apps."""
    with services().database.read() as tx:
        found = environment_named(tx, name)
    administrator("remove environments")
    with services().database.write() as tx:
        environments.remove_environment(tx, found.id)
    return {"changed": True}
