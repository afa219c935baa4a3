"""Who is told an app's news. What happens to the app is the same with them and without."""

from dataclasses import dataclass

from stratum.errors import Conflict, InvalidInput, NotFound
from stratum.model import App, Channel, Message, MessageState, NewsKind, Subscriber
from stratum.names import LABEL
from stratum.store import Transaction, messages, subscribers

MAX_SUBSCRIBERS = 20  # of an app
_DISABLED = "switched off"


@dataclass(frozen=True, slots=True)
class Wished:
    """A subscriber to be, checked (`stratum.subscribing`) and sealed."""

    name: str
    channel: Channel
    kinds: tuple[str, ...]
    shown: str
    sealed: bytes


def add(tx: Transaction, app: App, wished: Wished, *, who: str) -> Subscriber:
    """Have somebody told.

    Raises:
        InvalidInput: the name is no DNS label.
        AlreadyExists: it is taken, in whatever case.
        Conflict: the app has as many as it may.
    """
    if not LABEL.fullmatch(wished.name):
        message = f"{wished.name[:80]!r} cannot name a notification: it is no DNS label."
        raise InvalidInput(message, "Use 1 to 63 letters, digits and hyphens, such as ops.")
    if len(subscribers.subscribers_of(tx, [app.id])) >= MAX_SUBSCRIBERS:
        message = f"{app.label} has {MAX_SUBSCRIBERS} notifications, and can have no more."
        raise Conflict(message, "Remove one: stratum notifications remove NAME.")
    return subscribers.add_subscriber(
        tx,
        app.id,
        wished.name,
        channel=wished.channel,
        kinds=wished.kinds,
        shown=wished.shown,
        sealed=wished.sealed,
        who=who,
    )


def find(tx: Transaction, app: App, name: str) -> Subscriber:
    """Find a subscriber by its name.

    Raises:
        NotFound: there is none.
    """
    found = subscribers.find_subscriber(tx, app.id, name)
    if found is None:
        raise NotFound("notification", name, "stratum notifications list shows them.")
    return found


def find_signed(tx: Transaction, app: App, name: str) -> Subscriber:
    """Find one that is told with signatures.

    Raises:
        NotFound: there is none.
        Conflict: it is told without.
    """
    found = find(tx, app, name)
    if found.channel is not Channel.WEBHOOK:
        message = f"{found.name} is told by {found.channel}, which knows no signatures."
        raise Conflict(message, "If its address has become known, remove it and add another.")
    return found


def find_message(tx: Transaction, subscriber: Subscriber, key: str) -> Message:
    """Find one of a subscriber's messages.

    Raises:
        NotFound: there is none, or it is kept no more.
    """
    found = messages.find_message(tx, subscriber.id, key)
    if found is None:
        raise NotFound("message", key, f"stratum notifications messages {subscriber.name} shows them.")
    return found


def switch(tx: Transaction, subscriber: Subscriber, *, on: bool) -> bool:
    """Tell a subscriber nothing from now on, or again; whether that changes anything."""
    if on is not bool(subscriber.stopped):
        return False
    subscribers.stop(tx, subscriber.id, "" if on else _DISABLED)
    if not on:
        messages.give_up(tx, subscriber.id)
    return True


def send_test(tx: Transaction, subscriber: Subscriber, body: str) -> Message:
    """Send a subscriber something that is no news, to see that it arrives.

    Raises:
        Conflict: it is told nothing.
    """
    _refuse_stopped(subscriber)
    return messages.add_message(tx, subscriber.id, NewsKind.TEST, body)


def replay(tx: Transaction, subscriber: Subscriber, message: Message) -> None:
    """Have a message delivered once more.

    Raises:
        Conflict: its subscriber is told nothing.
    """
    _refuse_stopped(subscriber)
    messages.replay(tx, message)


def replay_dead(tx: Transaction, subscriber: Subscriber) -> int:
    """Do as `replay` with all that could not be delivered; how many these are."""
    _refuse_stopped(subscriber)
    dead = messages.list_messages(tx, subscriber.id, MessageState.DEAD, messages.KEPT)
    for one in dead:
        messages.replay(tx, one)
    return len(dead)


def _refuse_stopped(subscriber: Subscriber) -> None:
    if subscriber.stopped:
        message = f"{subscriber.name} is told nothing: {subscriber.stopped}."
        raise Conflict(message, f"Switch it on again: stratum notifications enable {subscriber.name}.")
