"""Storage of an app: folders that outlive its releases."""

import logging

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import again, app_named, caller
from gitserver.api.changes import done
from gitserver.api.shapes import Confirmation, Mount, NewVolume
from gitserver.services import services
from stratum.errors import Conflict, DoorUnavailable
from stratum.ownership import exclusive
from stratum.store import releases, volumes
from stratum.verbs import storage
from stratum.verbs.change import Change

log = logging.getLogger(__name__)

blueprint = APIBlueprint("storage", __name__, url_prefix="/api/apps/<environment>/<app>/storage")


@blueprint.get("")
def list_all(environment: str, app: str) -> list[rows.Row]:
    """List it by name, with the path where it is mounted and the bytes that it takes."""
    with services().database.read() as tx:
        found = volumes.list_volumes(tx, app_named().id)
        mounts = releases.mounts_in_force(tx, app_named().id)
    sizes = _sizes() if found else {}
    return [rows.volume(one, mounts.get(one.name), sizes.get(one.name)) for one in found]


@blueprint.post("")
@blueprint.input(NewVolume, location="json")
def create(environment: str, app: str, json_data: NewVolume) -> tuple[rows.Row, int]:
    """Add a folder, empty, and mount it if a path is given."""
    change = Change(changed=True)
    with services().database.write() as tx:
        made = storage.create(tx, again(tx), json_data.name)
        if json_data.path is not None:
            change = storage.mount(tx, again(tx), made.name, json_data.path, who=caller().name)
    try:
        services().door.make_volume(made.app_id, made.name)
    except DoorUnavailable as error:  # the first release that has it makes it
        log.warning("the storage %s of app %d is not there yet: %s", made.name, made.app_id, error)
    return {"name": made.name, **done(change)}, 201


@blueprint.patch("/<name>")
@blueprint.input(Mount, location="json")
def change(environment: str, app: str, name: str, json_data: Mount) -> rows.Row:
    """Mount it at a path and nowhere else; null: nowhere."""
    with services().database.write() as tx:
        if json_data.path is None:
            change = storage.unmount(tx, again(tx), name, who=caller().name)
        else:
            change = storage.mount(tx, again(tx), name, json_data.path, who=caller().name)
    return done(change)


@blueprint.delete("/<name>")
@blueprint.input(Confirmation, location="json")
def remove(environment: str, app: str, name: str, json_data: Confirmation) -> rows.Row:
    """Remove it with its data; where that takes long it is not `done`, and goes on when asked again."""
    # Another one under way would go on with what is created under the name when this one is done.
    found = app_named()
    with exclusive(services().instance.layout.locks / f"storage-{found.id}") as is_alone:
        if not is_alone:
            message = f"Storage of {found.label} is being destroyed by another request."
            raise Conflict(message, "Ask again in half a minute.")
        with services().database.write() as tx:
            volume = storage.begin_destroying(tx, again(tx), name, json_data.confirm)
        is_gone = services().door.empty_volume(volume.app_id, volume.name)
        if is_gone:
            with services().database.write() as tx:
                storage.forget(tx, volume)
    return {"changed": True, "done": is_gone}


def _sizes() -> dict[str, int | None]:
    try:
        return services().door.volume_sizes(app_named().id)
    except DoorUnavailable as error:
        log.warning("the sizes of the storage of app %d: %s", app_named().id, error)
        return {}
