"""Tokens: made, listed and revoked by administrators."""

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import administrator
from gitserver.api.shapes import NewGrant, NewToken
from gitserver.services import services
from stratum.errors import Conflict, InvalidInput, InvalidName, NotFound
from stratum.model import Grant
from stratum.names import LABEL
from stratum.store import Transaction, environments, tokens

blueprint = APIBlueprint("tokens", __name__, url_prefix="/api/tokens")


@blueprint.get("")
def list_all() -> list[rows.Row]:
    """List them by name, without their secrets."""
    administrator("list tokens")
    with services().database.read() as tx:
        names = {found.id: found.name for found in environments.list_environments(tx)}
        apps = {app.id: app.name for app in environments.list_apps(tx)}
        return [rows.token(found, names, apps) for found in tokens.list_tokens(tx)]


@blueprint.post("")
@blueprint.input(NewToken, location="json")
def create(json_data: NewToken) -> tuple[rows.Row, int]:
    """Create one; the answer is the only place that ever shows its secret."""
    administrator("create tokens")
    if not LABEL.fullmatch(json_data.name):
        kind, reason = "a token", "it is no DNS label"
        raise InvalidName(kind, json_data.name, reason)
    if not json_data.admin and not json_data.grants:
        message = "A token without any right is of no use."
        raise InvalidInput(message, "Give --read, --write or --admin.")
    with services().database.write() as tx:
        grants = tuple(_grant(tx, wanted) for wanted in json_data.grants)
        secret = tokens.add_token(tx, json_data.name, is_admin=json_data.admin, grants=grants)
    return {"name": json_data.name, "token": secret}, 201


@blueprint.delete("/<name>")
def revoke(name: str) -> rows.Row:
    """Revoke one; the last administrator's stays, or nobody could ever make another."""
    administrator("revoke tokens")
    with services().database.write() as tx:
        listed = tokens.list_tokens(tx)
        if [token.name for token in listed if token.is_admin] == [name]:
            message = f"{name} is the only administrator's token."
            raise Conflict(message, "Create another first: stratum tokens create NAME --admin.")
        if not tokens.remove_token(tx, name):
            raise NotFound("token", name)
    return {"changed": True}


def _grant(tx: Transaction, wanted: NewGrant) -> Grant:
    environment = environments.find_environment(tx, wanted.environment)
    if environment is None:
        raise NotFound("environment", wanted.environment)
    if wanted.app is None:
        return Grant(environment.id, None, wanted.right)
    app = environments.find_app(tx, wanted.environment, wanted.app)
    if app is None:
        raise NotFound("app", f"{wanted.environment}/{wanted.app}")
    return Grant(environment.id, app.id, wanted.right)
