"""From news to messages: one for each subscriber who wants it, in the transaction that marks it as read."""

from collections.abc import Iterable

from hooks.outgoing.body import body
from stratum.instance import Instance
from stratum.model import App, News, Subscriber
from stratum.store import Database, Transaction, environments, messages, news, subscribers

READER = "notifications"
AT_ONCE = 50  # pieces of news in a transaction: others who write wait for its end


def fan_out(instance: Instance, db: Database) -> bool:
    """Turn what was not read yet into messages; whether there may be more."""
    with db.write() as tx:
        found = news.unread(tx, READER, AT_ONCE)
        if not found:
            return False
        apps = {one.app_id for one in found}
        told = subscribers.subscribers_of(tx, apps)
        for one in found:
            _tell(tx, instance, one, told)
        news.mark_read(tx, READER, found[-1])
    return len(found) == AT_ONCE


def _tell(tx: Transaction, instance: Instance, one: News, told: Iterable[Subscriber]) -> None:
    app: App | None = None
    for subscriber in told:
        if _is_for(subscriber, one):
            app = app or environments.get_app(tx, one.app_id)
            if app is not None:
                text = body(subscriber.channel, one, app, instance)
                messages.add_message(tx, subscriber.id, one.kind, text)


def _is_for(subscriber: Subscriber, one: News) -> bool:
    return (
        subscriber.app_id == one.app_id
        and not subscriber.stopped
        and subscriber.created_at <= one.at
        and subscriber.wants(one.kind)
    )
