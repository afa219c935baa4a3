"""One attempt to deliver a message: counted before it begins, so that a kill in it leaves it due again."""

import logging
import random
import time
from datetime import datetime, timedelta
from http import HTTPStatus

from hooks.outgoing.backoff import again_after_s
from hooks.outgoing.http import Answer
from hooks.outgoing.sending import Ways, send
from stratum.instance import Instance
from stratum.model import Attempt, Channel, Message, Subscriber
from stratum.secrets import unseal
from stratum.store import Database, messages, subscribers
from stratum.store.clock import in_seconds, now
from stratum.subscribing import Wire

log = logging.getLogger(__name__)

LOST_AFTER_S = 120.0  # more than an attempt takes, a slow look-up of the name included
_OURS = "Stratum itself failed to send it; the server's log says why"
_GONE = "its server has answered 410: it does not want to be told any more"


def deliver(instance: Instance, db: Database, message: Message, ways: Ways) -> None:
    """Try to deliver a message, and note how that went.

    Raises:
        Unavailable: the database or the key cannot be used; the message stays due.
    """
    with db.write(synced=False) as tx:
        if not messages.begin(tx, message, in_seconds(LOST_AFTER_S)):
            return
        subscriber = subscribers.get_subscriber(tx, message.subscriber_id)
    began, at = time.monotonic(), now()
    answer = _tried(instance, subscriber, message, ways)
    attempt = Attempt(at, answer.status, answer.error, time.monotonic() - began, answer.text)
    is_gone = answer.status == HTTPStatus.GONE and subscriber.channel is not Channel.MAIL
    with db.write() as tx:
        messages.record(tx, message, attempt, None if is_gone else _again_at(message, answer))
        if is_gone:
            subscribers.stop(tx, subscriber.id, _GONE)
            messages.give_up(tx, subscriber.id)
    log.info("message %s to subscriber %d: %s", message.key, subscriber.id, answer.error or answer.status)


def _tried(instance: Instance, subscriber: Subscriber, message: Message, ways: Ways) -> Answer:
    wire = Wire.read(unseal(instance.layout.config_key, subscriber.sealed))
    try:
        return send(ways, subscriber.channel, wire, message)
    except Exception:  # else it would be due again for ever
        log.exception("sending message %s failed", message.key)
        return Answer(None, _OURS)


def _again_at(message: Message, answer: Answer) -> datetime | None:
    if not answer.error or answer.is_final:
        return None
    wait_s = again_after_s(message.attempts + 1, random.random(), answer.again_after_s)
    return None if wait_s is None else now() + timedelta(seconds=wait_s)
