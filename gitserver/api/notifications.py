"""Who is told an app's news, what was sent to them, and how that went."""

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import again, app_named, caller
from gitserver.api.shapes import Messages, NewNotification, NotificationChange
from gitserver.services import services
from stratum.door.wayout import hosts
from stratum.model import News, NewsKind, Subscriber
from stratum.secrets import seal, unseal
from stratum.store import Transaction, messages, subscribers
from stratum.store.clock import now
from stratum.subscribing import Reach, Wire, addressed, checked_kinds
from stratum.verbs import notifications
from stratum.verbs.notifications import Wished

blueprint = APIBlueprint("notifications", __name__, url_prefix="/api/apps/<environment>/<app>/notifications")


@blueprint.get("")
def list_all(environment: str, app: str) -> list[rows.Row]:
    """List them by name."""
    with services().database.read() as tx:
        return [_row(tx, one) for one in subscribers.subscribers_of(tx, [app_named().id])]


@blueprint.post("")
@blueprint.input(NewNotification, location="json")
def add(environment: str, app: str, json_data: NewNotification) -> tuple[rows.Row, int]:
    """Have somebody told from now on; the answer is the only place that ever shows its secret."""
    wire, wished = _wished(json_data)
    with services().database.write() as tx:
        made = notifications.add(tx, again(tx), wished, who=caller().name)
        return {**_row(tx, made), "secret": wire.secret or None}, 201


@blueprint.get("/<name>")
def show(environment: str, app: str, name: str) -> rows.Row:
    """Describe one."""
    with services().database.read() as tx:
        return _row(tx, notifications.find(tx, app_named(), name))


@blueprint.patch("/<name>")
@blueprint.input(NotificationChange, location="json")
def change(environment: str, app: str, name: str, json_data: NotificationChange) -> rows.Row:
    """Have it told no more, or again."""
    with services().database.write() as tx:
        changed = notifications.switch(tx, notifications.find(tx, again(tx), name), on=json_data.enabled)
    return {"changed": changed}


@blueprint.delete("/<name>")
def remove(environment: str, app: str, name: str) -> rows.Row:
    """Remove it with all that was to be sent."""
    with services().database.write() as tx:
        subscribers.remove_subscriber(tx, notifications.find(tx, again(tx), name).id)
    return {"changed": True}


@blueprint.post("/<name>/rotate")
def rotate(environment: str, app: str, name: str) -> rows.Row:
    """Give it a new secret; for a day the present one signs besides."""
    key = services().instance.layout.config_key
    with services().database.read() as tx:
        found = notifications.find_signed(tx, app_named(), name)
    wire = Wire.read(unseal(key, found.sealed)).rotated(now())
    sealed = seal(key, wire.kept())
    with services().database.write() as tx:
        subscribers.reseal(tx, notifications.find(tx, again(tx), name).id, sealed)
    return {"secret": wire.secret, "previous_until": wire.previous_until}


@blueprint.post("/<name>/test")
def test(environment: str, app: str, name: str) -> tuple[rows.Row, int]:
    """Send it something that is no news; `messages/<id>` tells how that went."""
    from hooks.outgoing.body import body

    with services().database.write() as tx:
        found = again(tx)
        told = notifications.find(tx, found, name)
        news = News(0, found.id, NewsKind.TEST, now(), {"who": caller().name})
        made = notifications.send_test(tx, told, body(told.channel, news, found, services().instance))
    return rows.message(made), 202


@blueprint.get("/<name>/messages")
@blueprint.input(Messages, location="query")
def list_messages(environment: str, app: str, name: str, query_data: Messages) -> list[rows.Row]:
    """List what was to be sent, newest first."""
    with services().database.read() as tx:
        found = notifications.find(tx, app_named(), name)
        listed = messages.list_messages(tx, found.id, query_data.state, query_data.lines)
    return [rows.message(one) for one in listed]


@blueprint.get("/<name>/messages/<key>")
def show_message(environment: str, app: str, name: str, key: str) -> rows.Row:
    """Describe one: its very text, and each attempt."""
    with services().database.read() as tx:
        found = notifications.find_message(tx, notifications.find(tx, app_named(), name), key)
        tried = messages.attempts_of(tx, found.id)
    return {**rows.message(found), "body": found.body, "tries": [rows.attempt(one) for one in tried]}


@blueprint.post("/<name>/messages/<key>/replay")
def replay(environment: str, app: str, name: str, key: str) -> tuple[rows.Row, int]:
    """Deliver one once more."""
    with services().database.write() as tx:
        subscriber = notifications.find(tx, again(tx), name)
        notifications.replay(tx, subscriber, notifications.find_message(tx, subscriber, key))
    return {"replayed": 1}, 202


@blueprint.post("/<name>/replay")
def replay_dead(environment: str, app: str, name: str) -> tuple[rows.Row, int]:
    """Deliver all once more that could not be."""
    with services().database.write() as tx:
        count = notifications.replay_dead(tx, notifications.find(tx, again(tx), name))
    return {"replayed": count}, 202


def _row(tx: Transaction, found: Subscriber) -> rows.Row:
    return rows.subscriber(found, messages.counts(tx, found.id))


def _wished(asked: NewNotification) -> tuple[Wire, Wished]:
    """See what was asked for, before the database is held.

    Raises:
        InvalidInput: the address or a kind of news is none.
    """
    settings = services().instance.settings
    reach = Reach(hosts.read(settings.hook_hosts, {})[0].allow_private, bool(settings.smtp_url))
    channel, wire, shown = addressed(asked.url, reach)
    sealed = seal(services().instance.layout.config_key, wire.kept())
    return wire, Wished(asked.name, channel, checked_kinds(asked.events), shown, sealed)
