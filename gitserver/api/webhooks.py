"""Web hooks of git servers, and what they have delivered."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import again, app_named, caller
from gitserver.api.changes import done
from gitserver.api.shapes import NewWebhook, Number, Rotation, WebhookChange
from gitserver.services import services
from hooks.parts import Parts
from hooks.upstream.settings import checked_api_url, wished
from hooks.webhooks.filters import checked_patterns
from hooks.webhooks.replaying import wanted
from hooks.webhooks.source import Source, allowed_hosts, checked_source, is_allowed
from hooks.webhooks.ssh.calling import host_key_of
from hooks.webhooks.ssh.keys import new_deploy_key, read_host_key
from stratum.door.wayout.hosts import Place
from stratum.errors import InvalidInput
from stratum.model import Credential, Upstream, Webhook
from stratum.secrets import seal, unseal
from stratum.signing import new_signing_secret
from stratum.store import Transaction, deliveries, statuses, upstreams, webhooks
from stratum.verbs import deploykeys
from stratum.verbs import webhooks as verbs

SHOWN = 100  # deliveries, statuses
SPOKEN = frozenset({"statuses", "deployments", "status_token", "api_url"})  # of what can be changed

blueprint = APIBlueprint("webhooks", __name__, url_prefix="/api/apps/<environment>/<app>/webhooks")
blueprint.record(Number.tell)


@blueprint.get("")
def list_all(environment: str, app: str) -> list[rows.Row]:
    """List them, oldest first."""
    with services().database.read() as tx:
        return [_row(tx, found) for found in webhooks.list_webhooks(tx, app_named().id)]


@blueprint.post("")
@blueprint.input(NewWebhook, location="json")
def create(environment: str, app: str, json_data: NewWebhook) -> tuple[rows.Row, int]:
    """Add one; the answer has its secret, which is never shown again."""
    secret = new_signing_secret()
    source = _source(json_data.clone_url)
    wanted = verbs.Wanted(
        json_data.provider,
        source.url,
        _seal({"current": secret}),
        checked_patterns("branches", json_data.branches),
        checked_patterns("paths", json_data.paths),
        _by_ssh(json_data, source) if source.is_by_ssh else _by_https(json_data),
    )
    with services().database.write() as tx:
        made = _row(tx, verbs.create(tx, again(tx), wanted, who=caller().name))
    return {**made, "secret": secret}, 201


@blueprint.get("/<public_id>")
def show(environment: str, app: str, public_id: str) -> rows.Row:
    """Show one."""
    with services().database.read() as tx:
        return _row(tx, verbs.find(tx, app_named(), public_id))


@blueprint.patch("/<public_id>")
@blueprint.input(WebhookChange, location="json")
def change(environment: str, app: str, public_id: str, json_data: WebhookChange) -> rows.Row:
    """Change what the body has."""
    given: dict[str, object] = json_data.given()
    if "clone_url" in given:
        given["clone_url"] = _source(json_data.clone_url).url
    for name in given.keys() & {"branches", "paths"}:
        given[name] = checked_patterns(name, getattr(json_data, name))
    if "host_keys" in given:
        given["host_keys"] = tuple(map(read_host_key, json_data.host_keys))
    asked = _asked({name: given.pop(name) for name in SPOKEN & given.keys()})
    with services().database.write() as tx:
        app_now = again(tx)
        upstream = _upstream(tx, verbs.find(tx, app_now, public_id), given, asked)
        return done(verbs.change(tx, app_now, public_id, given, upstream))


@blueprint.get("/<public_id>/statuses")
def list_statuses(environment: str, app: str, public_id: str) -> list[rows.Row]:
    """List what its git server was told of the newest hundred commits, newest first."""
    with services().database.read() as tx:
        found = statuses.list_statuses(tx, verbs.find(tx, app_named(), public_id).id, SHOWN)
    return [rows.commit_status(one) for one in found]


@blueprint.post("/<public_id>/statuses/retry")
def retry_statuses(environment: str, app: str, public_id: str) -> rows.Row:
    """Have told once more, and now, what could not be told."""
    with services().database.write() as tx:
        count = statuses.touch_untold(tx, verbs.find(tx, again(tx), public_id).id)
    return {"changed": count > 0, "statuses": count}


@blueprint.post("/<public_id>/rotate")
@blueprint.input(Rotation, location="json")
def rotate(environment: str, app: str, public_id: str, json_data: Rotation) -> rows.Row:
    """Give it another secret, which is in the answer and never shown again."""
    with services().database.read() as tx:
        found = verbs.find(tx, app_named(), public_id)
    secrets = {"current": new_signing_secret()}
    if not json_data.at_once:
        secrets["previous"] = unseal(_key_file(), found.sealed_secrets)["current"]
    sealed = _seal(secrets)
    with services().database.write() as tx:
        verbs.rotate(tx, again(tx), public_id, sealed)
    return {"changed": True, "secret": secrets["current"]}


@blueprint.post("/<public_id>/deploy-key")
def add_deploy_key(environment: str, app: str, public_id: str) -> rows.Row:
    """Make it another deploy key; the one until now is kept, and offered after it."""
    with services().database.read() as tx:
        found = verbs.find(tx, app_named(), public_id)
    deploykeys.check_another(found)
    key, opened = new_deploy_key(_comment()), unseal(_key_file(), found.sealed_credential)
    sealed = _seal({"current": key.private, "previous": opened["current"]})
    with services().database.write() as tx:
        deploykeys.add(tx, again(tx), found, key.public, sealed)
        return {"changed": True, **_row(tx, verbs.find(tx, app_named(), public_id))}


@blueprint.delete("/<public_id>/deploy-key/previous")
def forget_deploy_key(environment: str, app: str, public_id: str) -> rows.Row:
    """Offer the current deploy key alone from now on."""
    with services().database.read() as tx:
        found = verbs.find(tx, app_named(), public_id)
    opened = unseal(_key_file(), found.sealed_credential)
    sealed = _seal({name: value for name, value in opened.items() if name != "previous"})
    with services().database.write() as tx:
        return done(deploykeys.forget_previous(tx, again(tx), found, sealed))


@blueprint.delete("/<public_id>")
def destroy(environment: str, app: str, public_id: str) -> rows.Row:
    """Remove one with the record of its deliveries; from then on the app is deployed by those who push."""
    with services().database.write() as tx:
        return done(verbs.destroy(tx, again(tx), public_id))


@blueprint.get("/deliveries")
def list_deliveries(environment: str, app: str) -> list[rows.Row]:
    """List the newest hundred of all its web hooks, newest first."""
    with services().database.read() as tx:
        names = {found.id: found.public_id for found in webhooks.list_webhooks(tx, app_named().id)}
        found = deliveries.list_deliveries(tx, app_named().id, SHOWN)
        return [rows.delivery(one, names[one.webhook_id]) for one in found]


@blueprint.get("/deliveries/<number:number>")
def show_delivery(environment: str, app: str, number: int) -> rows.Row:
    """Show one with its headers, secrets masked, and its body, if that is kept."""
    with services().database.read() as tx:
        found = verbs.delivery(tx, app_named(), number)
        webhook = webhooks.get_webhook(tx, found.webhook_id)
        body = deliveries.body_of(tx, number).decode("utf-8", "replace")
    name = webhook.public_id if webhook else ""
    return {**rows.delivery(found, name), "headers": dict(found.headers), "body": body or None}


@blueprint.post("/deliveries/<number:number>/replay")
def replay(environment: str, app: str, number: int) -> tuple[rows.Row, int]:
    """Have its branch fetched once more; of what was ignored, what its web hook deploys by now."""
    own = services()
    branch, commit = wanted(Parts(own.instance, own.database, own.nudges), app_named(), number)
    with own.database.write() as tx:
        made = verbs.replay(tx, again(tx), number, branch, commit)
    services().nudges.fetch(app_named().id)
    return {"changed": True, "delivery": made.delivery, "build": made.build}, 202


def _source(given: str) -> Source:
    return checked_source(given, _fetch_hosts())


def _fetch_hosts() -> frozenset[Place]:
    return allowed_hosts(services().instance.settings.fetch_hosts)


def _asked(given: Mapping[str, object]) -> dict[str, object]:
    """Return what is asked of a git server's API; a token is there to be used."""
    asked = {name: value for name, value in given.items() if name != "status_token"}
    if "api_url" in given:
        asked["api_url"] = checked_api_url(str(given["api_url"]), _fetch_hosts())
    if "status_token" in given:
        sealed = _seal({"user": "", "password": str(given["status_token"])})
        asked = {"statuses": True, **asked, "sealed_token": sealed}
    return asked


def _upstream(
    tx: Transaction, found: Webhook, given: Mapping[str, object], asked: Mapping[str, object]
) -> Upstream | None:
    before = upstreams.get_upstream(tx, found.id)
    after = replace(found, **given)  # type: ignore[arg-type]  # checked, by their names
    return wished(before, found, after, asked) if asked or before.statuses else None


def _row(tx: Transaction, found: Webhook) -> rows.Row:
    return rows.webhook(found, upstreams.get_upstream(tx, found.id))


def _by_https(given: NewWebhook) -> verbs.Access:
    if given.host_keys:
        message = "A host key is for sources that are fetched by SSH."
        raise InvalidInput(message, "Leave it out, or give an address such as git@HOST:PATH.")
    if not given.token:
        return verbs.Access()
    return verbs.Access(Credential.TOKEN, _seal({"user": given.user, "password": given.token}))


def _by_ssh(given: NewWebhook, source: Source) -> verbs.Access:
    if given.token:
        message = "A token is of no use by SSH."
        raise InvalidInput(message, "Leave it out: a deploy key is made.")
    known = tuple(map(read_host_key, given.host_keys))
    known = known or (host_key_of(source, may_be_private=is_allowed(_fetch_hosts(), source)),)
    key = new_deploy_key(_comment())
    return verbs.Access(Credential.KEY, _seal({"current": key.private}), (key.public,), known)


def _comment() -> str:
    return f"stratum:{app_named().label}"


def _key_file() -> Path:
    return services().instance.layout.config_key


def _seal(values: Mapping[str, str]) -> bytes:
    return seal(_key_file(), values)
