"""How the processes of each target are kept, and who has said so."""

from dataclasses import asdict

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import again, app_named
from gitserver.api.shapes import Settings
from gitserver.services import services
from stratum.keeping import Defaults
from stratum.keeping import explain as facts
from stratum.model import App
from stratum.store import Transaction, formation, releases
from stratum.verbs.keep import keep
from stratum.verbs.scale import current_release

blueprint = APIBlueprint("targets", __name__, url_prefix="/api/apps/<environment>/<app>/targets")


@blueprint.get("")
def explain(environment: str, app: str) -> list[rows.Row]:
    """List what is in force for each target: `key`, `value`, and the `source` that says so."""
    with services().database.read() as tx:
        return _facts(tx, app_named())


@blueprint.patch("/<target>")
@blueprint.input(Settings, location="json")
def change(environment: str, app: str, target: str, json_data: Settings) -> list[rows.Row]:
    """Change how a target is kept from the next rollout on; null: as if nothing were said."""
    with services().database.write() as tx:
        keep(tx, again(tx), target, json_data.root)
        return [fact for fact in _facts(tx, app_named()) if fact["target"] == target]


def _facts(tx: Transaction, app: App) -> list[rows.Row]:
    release, wished = current_release(tx, app), formation.get_formation(tx, app.id)
    ours = services().instance.settings
    defaults = Defaults(
        ours.web_start_timeout_s, ours.alive_after_s, ours.stop_grace_s, app.environment.start_all
    )
    began = releases.first_with(tx, app.id, release.process_names())
    return [asdict(fact) for fact in facts(release, wished, defaults, began)]
