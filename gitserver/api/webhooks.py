"""Web hooks of git servers, and what they have delivered."""

from collections.abc import Mapping
from dataclasses import replace

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import again, app_named, caller
from gitserver.api.changes import done
from gitserver.api.shapes import NewWebhook, Number, Rotation, WebhookChange
from gitserver.api.sources import access, fetch_hosts, given_source, opened, sealed
from gitserver.services import services
from hooks.parts import Parts
from hooks.upstream.settings import checked_api_url, wished
from hooks.webhooks.filters import checked_patterns
from hooks.webhooks.replaying import wanted
from hooks.webhooks.ssh.keys import read_host_key
from stratum.model import DeliveryState, Upstream, Webhook
from stratum.signing import new_signing_secret
from stratum.store import Transaction, deliveries, environments, statuses, upstreams, webhooks
from stratum.verbs import webhooks as verbs

SHOWN = 100  # deliveries, statuses
SPOKEN = frozenset(
    {"statuses", "deployments", "wait_for_ci", "ci_limit_s", "status_token", "api_url"}
)  # of what can be changed

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
    source = given_source(json_data.clone_url)
    wanted = verbs.Wanted(
        json_data.provider,
        source.url,
        sealed({"current": secret}),
        checked_patterns("branches", json_data.branches),
        checked_patterns("paths", json_data.paths),
        access(json_data, source),
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
        given["clone_url"] = given_source(json_data.clone_url).url
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
        secrets["previous"] = opened(found.sealed_secrets)["current"]
    now = sealed(secrets)
    with services().database.write() as tx:
        verbs.rotate(tx, again(tx), public_id, now)
    return {"changed": True, "secret": secrets["current"]}


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
        apps = {one: environments.get_app(tx, one) for one in {each.build_app_id or 0 for each in found}}
        return [rows.delivery(one, names[one.webhook_id], apps[one.build_app_id or 0]) for one in found]


@blueprint.get("/deliveries/<number:number>")
def show_delivery(environment: str, app: str, number: int) -> rows.Row:
    """Show one with its headers, secrets masked, and its body, if that is kept."""
    with services().database.read() as tx:
        found = verbs.delivery(tx, app_named(), number)
        webhook = webhooks.get_webhook(tx, found.webhook_id)
        body = deliveries.body_of(tx, number).decode("utf-8", "replace")
        build_app = environments.get_app(tx, found.build_app_id or 0)
    row = rows.delivery(found, webhook.public_id if webhook else "", build_app)
    return {**row, "headers": dict(found.headers), "body": body or None}


@blueprint.post("/deliveries/<number:number>/replay")
def replay(environment: str, app: str, number: int) -> tuple[rows.Row, int]:
    """Have its branch fetched once more; of what was ignored, what its web hook deploys by now."""
    own = services()
    found = wanted(Parts(own.instance, own.database, own.nudges), app_named(), number)
    with own.database.write() as tx:
        made, outcome = verbs.replay(tx, again(tx), number, found)
    if outcome.ends is not None:
        own.nudges.rollout(outcome.ends)
    is_queued = outcome.state is DeliveryState.QUEUED
    if is_queued:
        own.nudges.fetch(app_named().id)
    said = {"delivery": made, "verdict": outcome.state.value, "reason": outcome.reason}
    label = outcome.app.label if outcome.app else None
    return {"changed": True, **said, "app": label, "build": outcome.build}, 202 if is_queued else 200


def _asked(given: Mapping[str, object]) -> dict[str, object]:
    """Return what is asked of a git server's API; a token is there to be used."""
    asked = {name: value for name, value in given.items() if name != "status_token"}
    if "api_url" in given:
        asked["api_url"] = checked_api_url(str(given["api_url"]), fetch_hosts())
    if "status_token" in given:
        token = sealed({"user": "", "password": str(given["status_token"])})
        asked = {"statuses": True, **asked, "sealed_token": token}
    return asked


def _upstream(
    tx: Transaction, found: Webhook, given: Mapping[str, object], asked: Mapping[str, object]
) -> Upstream | None:
    before = upstreams.get_upstream(tx, found.id)
    after = replace(found, **given)  # type: ignore[arg-type]  # checked, by their names
    return wished(before, found, after, asked) if asked or before != Upstream(found.id) else None


def _row(tx: Transaction, found: Webhook) -> rows.Row:
    return rows.webhook(found, upstreams.get_upstream(tx, found.id))
