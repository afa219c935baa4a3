"""One attempt to deliver a message: counted before it begins, so that a kill in it leaves it due again."""

import logging
import random
import time
from datetime import datetime, timedelta
from http import HTTPStatus

from hooks.outgoing.backoff import again_after_s
from hooks.outgoing.http import Answer, post
from stratum import signing
from stratum.door.wayout.hosts import Hosts
from stratum.errors import InvalidInput, Unavailable
from stratum.instance import Instance
from stratum.model import Attempt, Message, Subscriber
from stratum.secrets import unseal
from stratum.store import Database, messages, subscribers
from stratum.store.clock import in_seconds, now
from stratum.subscribing import Wire, checked_url

log = logging.getLogger(__name__)

LOST_AFTER_S = 120.0  # more than an attempt takes, a slow look-up of the name included
_OURS = "Stratum itself failed to send it; the server's log says why"
_GONE = "its server has answered 410: it does not want to be told any more"


def deliver(instance: Instance, db: Database, message: Message, allowed: Hosts) -> None:
    """Try to deliver a message, and note how that went.

    Raises:
        Unavailable: the database or the key cannot be used; the message stays due.
    """
    with db.write(synced=False) as tx:
        if not messages.begin(tx, message, in_seconds(LOST_AFTER_S)):
            return
        subscriber = subscribers.get_subscriber(tx, message.subscriber_id)
    began, at = time.monotonic(), now()
    answer = _tried(instance, subscriber, message, allowed)
    attempt = Attempt(at, answer.status, answer.error, time.monotonic() - began, answer.text)
    with db.write() as tx:
        messages.record(tx, message, attempt, _again_at(message, answer))
        if answer.status == HTTPStatus.GONE:
            subscribers.stop(tx, subscriber.id, _GONE)
            messages.give_up(tx, subscriber.id)
    log.info("message %s to subscriber %d: %s", message.key, subscriber.id, answer.error or answer.status)


def _tried(instance: Instance, subscriber: Subscriber, message: Message, allowed: Hosts) -> Answer:
    try:
        return _sent(instance, subscriber, message, allowed)
    except Unavailable:
        raise
    except Exception:  # else it would be due again for ever
        log.exception("sending message %s failed", message.key)
        return Answer(None, _OURS)


def _sent(instance: Instance, subscriber: Subscriber, message: Message, allowed: Hosts) -> Answer:
    wire = Wire.read(unseal(instance.layout.config_key, subscriber.sealed))
    body, at = message.body.encode(), now()
    try:
        url = checked_url(wire.url, allowed=allowed.allow_private)  # once more: the setting may have changed
    except InvalidInput as error:
        return Answer(None, error.message)
    signed = signing.headers(wire.secrets(at), message.key, int(at.timestamp()), body)
    return post(url, {**signed, "Content-Type": "application/json", "User-Agent": "Stratum"}, body, allowed)


def _again_at(message: Message, answer: Answer) -> datetime | None:
    if not answer.error or answer.status == HTTPStatus.GONE:
        return None
    wait_s = again_after_s(message.attempts + 1, random.random(), answer.again_after_s)
    return None if wait_s is None else now() + timedelta(seconds=wait_s)
