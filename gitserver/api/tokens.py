"""Tokens: made, listed and revoked by administrators, and by others within what they administer."""

from datetime import UTC, datetime

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import administrator, caller, environment_named
from gitserver.api.shapes import NewGrant, NewToken
from gitserver.auth import administers, refusal, sees
from gitserver.services import services
from stratum.errors import Conflict, InvalidInput, InvalidName, NotAllowed, NotFound
from stratum.model import Grant, Right, Token
from stratum.names import LABEL
from stratum.store import Transaction, environments, tokens

MAKE, LIST, REVOKE = "create tokens", "list tokens", "revoke tokens"

blueprint = APIBlueprint("tokens", __name__, url_prefix="/api/tokens")


@blueprint.get("")
def list_all() -> list[rows.Row]:
    """List them by name, without their secrets: those whose every right the caller administers."""
    _some_administrator(LIST)
    with services().database.read() as tx:
        names = {found.id: found.name for found in environments.list_environments(tx)}
        apps = {app.id: app.name for app in environments.list_apps(tx)}
        listed = tokens.list_tokens(tx)
        return [rows.token(found, names, apps) for found in listed if _is_mine(found)]


@blueprint.post("")
@blueprint.input(NewToken, location="json")
def create(json_data: NewToken) -> tuple[rows.Row, int]:
    """Create one; the answer is the only place that ever shows its secret."""
    _some_administrator(MAKE)
    if not LABEL.fullmatch(json_data.name):
        kind, reason = "a token", "it is no DNS label"
        raise InvalidName(kind, json_data.name, reason)
    if json_data.admin:
        administrator("create administrators' tokens")
    elif not json_data.grants:
        message = "A token without any right is of no use."
        raise InvalidInput(message, "Give --read, --push, --deploy, --admin-of or --admin.")
    expires_at = _end(json_data.expires_at)
    with services().database.write() as tx:
        grants = tuple(_grant(tx, wanted) for wanted in json_data.grants)
        secret = tokens.add_token(
            tx,
            json_data.name,
            is_admin=json_data.admin,
            grants=grants,
            expires_at=expires_at,
            created_by=caller().name,
        )
    return rows.made_token(json_data.name, secret, expires_at), 201


@blueprint.delete("/<name>")
def revoke(name: str) -> rows.Row:
    """Revoke one; the last administrator's that never expires stays, or nobody could ever make another."""
    _some_administrator(REVOKE)
    with services().database.write() as tx:
        found = tokens.get_token(tx, name)
        if found is None or not _is_mine(found):
            raise NotFound("token", name)
        if _is_last(tx, found):
            message = f"{name} is the only administrator's token that never expires."
            raise Conflict(message, "Create another first: stratum tokens create NAME --admin.")
        tokens.remove_token(tx, name)
    return {"changed": True}


def _some_administrator(action: str) -> None:
    """Refuse who administers nothing at all."""
    if not caller().is_admin and not any(grant.right is Right.ADMIN for grant in caller().rights):
        where = "some of this server"
        raise NotAllowed(action, where)


def _is_mine(token: Token) -> bool:
    return caller().is_admin or (not token.is_admin and administers(caller(), token.rights))


def _is_last(tx: Transaction, token: Token) -> bool:
    lasting = (one.name for one in tokens.list_tokens(tx) if one.is_admin and one.expires_at is None)
    return [*lasting] == [token.name]


def _end(wished: datetime | None) -> datetime | None:
    """Return when a new token expires: no later than the one it is made with."""
    limit = caller().expires_at
    if wished is None:
        return limit
    try:
        at = wished.astimezone(UTC)
    except OverflowError:  # of the year 1 or 9999
        at = datetime.min.replace(tzinfo=UTC)
    if at <= datetime.now(UTC):
        message = "A token must expire in the future."
        raise InvalidInput(message, "Give days (90d) or a date (2030-12-31).")
    if limit is not None and at > limit:
        message = f"Your own token expires at {limit:%Y-%m-%d %H:%M} UTC; one made with it cannot outlast it."
        raise InvalidInput(message, "Give an earlier date, or none.")
    return at


def _grant(tx: Transaction, wanted: NewGrant) -> Grant:
    """Return a right as it is kept, if the caller may hand it out."""
    environment = environment_named(tx, wanted.environment)
    grant, name = Grant(environment.id, None, wanted.right), wanted.environment
    if wanted.app is not None:
        name = f"{wanted.environment}/{wanted.app}"
        app = environments.find_app(tx, wanted.environment, wanted.app)
        if app is None or not sees(caller(), app):
            raise NotFound("app", name)
        grant = Grant(environment.id, app.id, wanted.right)
    if not administers(caller(), (grant,)):
        needed = Grant(grant.environment_id, grant.app_id, Right.ADMIN)
        raise refusal(caller(), needed, name, "create tokens for it")
    return grant
