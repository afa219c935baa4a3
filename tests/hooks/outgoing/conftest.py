"""An app whose news are told to a receiver on loopback, which the operator allows."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from hooks.outgoing.notifier import Notifier
from stratum.model import App, Message, MessageState, Subscriber
from stratum.secrets import seal
from stratum.store import messages
from stratum.store.clock import now
from stratum.subscribing import Reach, addressed
from stratum.verbs import notifications
from stratum.verbs.notifications import Wished
from tests.receiver import receiver
from tests.webside import WebSide


@dataclass
class Telling:
    """What the tests do with it."""

    side: WebSide
    app: App
    notifier: Notifier

    def allow(self, *places: str) -> None:
        """Start anew with hosts that the operator allows."""
        self.set(hook_hosts=",".join(places))

    def set(self, **settings_: Any) -> None:
        """Start anew with other settings."""
        settings = replace(self.side.instance.settings, **settings_)
        self.side.instance = replace(self.side.instance, settings=settings)
        self.notifier = Notifier(self.side.instance, self.side.db)

    def subscribe(
        self, url: str, name: str = "ops", *kinds: str, app: App | None = None
    ) -> tuple[Subscriber, str]:
        """Add a subscriber; return it with its secret."""
        channel, wire, shown = addressed(url, Reach(lambda *_: True, has_mail=True))
        sealed = seal(self.side.instance.layout.config_key, wire.kept())
        wished = Wished(name, channel, kinds, shown, sealed)
        with self.side.db.write() as tx:
            return notifications.add(tx, app or self.app, wished, who="admin"), wire.secret

    def look(self) -> None:
        """Look once, as the settler does each second, and wait for the end of what that began."""
        self.notifier.look()
        self.notifier.wait()

    def messages(self, subscriber: Subscriber, state: MessageState | None = None) -> list[Message]:
        with self.side.db.read() as tx:
            return messages.list_messages(tx, subscriber.id, state)

    def attempts(self, message: Message):
        with self.side.db.read() as tx:
            return messages.attempts_of(tx, message.id)

    def make_due(self) -> None:
        """Let the time pass until all that waits is due."""
        with self.side.db.write() as tx:
            tx.exec_driver_sql("UPDATE messages SET due_at = ?", (now().replace(tzinfo=None).isoformat(" "),))


@pytest.fixture
def told():
    with receiver() as made:
        yield made


@pytest.fixture
def telling(tmp_path_factory, told):
    side = WebSide.make(tmp_path_factory.mktemp("s") / "data")
    made = Telling(side, side.app(), Notifier(side.instance, side.db))
    made.allow(told.place)
    yield made
    made.notifier.wait()
    side.close()
