"""Deploy keys of web hooks: another is made, the one before given up."""

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import again, app_named
from gitserver.api.changes import done
from gitserver.api.sources import opened, own_deploy_key, sealed
from gitserver.services import services
from stratum.model import Webhook
from stratum.store import upstreams
from stratum.verbs import deploykeys as verbs
from stratum.verbs.webhooks import find

blueprint = APIBlueprint(
    "deploykeys", __name__, url_prefix="/api/apps/<environment>/<app>/webhooks/<public_id>/deploy-key"
)


@blueprint.post("")
def add(environment: str, app: str, public_id: str) -> rows.Row:
    """Make another; the one until now is kept, and offered after it."""
    found = _found(public_id)
    verbs.check_another(found)
    key, before = own_deploy_key(), opened(found.sealed_credential)
    now = sealed({"current": key.private, "previous": before["current"]})
    with services().database.write() as tx:
        verbs.add(tx, again(tx), found, key.public, now)
        row = rows.webhook(find(tx, app_named(), public_id), upstreams.get_upstream(tx, found.id))
    return {"changed": True, **row}


@blueprint.delete("/previous")
def forget_previous(environment: str, app: str, public_id: str) -> rows.Row:
    """Offer the current one alone from now on."""
    found = _found(public_id)
    keys = opened(found.sealed_credential)
    now = sealed({name: key for name, key in keys.items() if name != "previous"})
    with services().database.write() as tx:
        return done(verbs.forget_previous(tx, again(tx), found, now))


def _found(public_id: str) -> Webhook:
    with services().database.read() as tx:
        return find(tx, app_named(), public_id)
