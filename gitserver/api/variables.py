"""An app's variables. Values are shown to whoever may deploy; other readers see names only."""

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import again, app_named, caller
from gitserver.api.changes import done
from gitserver.api.shapes import VariablesEdit
from gitserver.auth import may
from gitserver.services import services
from stratum.model import Right
from stratum.secrets import seal, unseal
from stratum.store import releases
from stratum.verbs.change import Change
from stratum.verbs.configure import Edit, record

blueprint = APIBlueprint("variables", __name__, url_prefix="/api/apps/<environment>/<app>/vars")


@blueprint.get("")
def list_all(environment: str, app: str) -> list[rows.Row]:
    """List them by name."""
    _, variables = _in_force()
    hidden = not may(caller(), app_named(), Right.DEPLOY)
    return [{"name": name, "value": None if hidden else variables[name]} for name in sorted(variables)]


@blueprint.patch("")
@blueprint.input(VariablesEdit, location="json")
def edit(environment: str, app: str, json_data: VariablesEdit) -> rows.Row:
    """Set and unset some; what is released runs with the result as a new release."""
    wanted = Edit(json_data.set_, tuple(json_data.unset))
    while (change := _try(wanted)) is None:  # somebody else changed them meanwhile
        pass
    return done(change)


def _try(edit: Edit) -> Change | None:
    version, variables = _in_force()
    wanted = edit.apply(variables)
    if wanted == variables:
        return Change(changed=False, message="They are so already; nothing changed.")
    sealed = seal(services().instance.layout.config_key, wanted)
    with services().database.write() as tx:
        app = again(tx)
        if releases.config_version(tx, app.id) != version:
            return None
        return record(tx, app, sealed, edit.cause, who=caller().name)


def _in_force() -> tuple[int, dict[str, str]]:
    app_id = app_named().id
    with services().database.read() as tx:
        version = releases.config_version(tx, app_id)
        ciphertext = releases.get_config(tx, app_id, version)
    return version, unseal(services().instance.layout.config_key, ciphertext)
