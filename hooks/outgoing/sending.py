"""Sending a message by the channel of whom it is for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from hooks.outgoing.http import Answer, post
from hooks.outgoing.reach import Allowed, allowed_hosts
from stratum import signing
from stratum.errors import InvalidInput
from stratum.mailing import MailServer
from stratum.model import Channel, Message
from stratum.settings import Settings
from stratum.store.clock import now
from stratum.subscribing import MAILTO, Wire, checked_url

_JSON = {"Content-Type": "application/json", "User-Agent": "Stratum"}
_NO_MAIL = "the operator has named no mail server: STRATUM_SMTP_URL"


@dataclass(frozen=True, slots=True)
class Ways:
    """By what messages leave, as the operator has set it up.

    Attributes:
        sender: whom mail is from.
    """

    hosts: Allowed
    mail: MailServer | None
    sender: str

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read the settings, checked at the start."""
        return cls(
            allowed_hosts(settings.hook_hosts), MailServer.parse(settings.smtp_url), settings.mail_from
        )


def send(ways: Ways, channel: Channel, wire: Wire, message: Message) -> Answer:
    """Send a message; never raises for what the other side does."""
    try:
        return _CHANNELS[channel](ways, wire, message)
    except InvalidInput as error:  # the settings have changed since the address was given
        return Answer(None, error.message)


def _webhook(ways: Ways, wire: Wire, message: Message) -> Answer:
    body, at = message.body.encode(), now()
    signed = signing.headers(wire.secrets(at), message.key, int(at.timestamp()), body)
    return _posted(ways, wire, {**_JSON, **signed}, body)


def _slack(ways: Ways, wire: Wire, message: Message) -> Answer:
    return _posted(ways, wire, _JSON, message.body.encode())


def _posted(ways: Ways, wire: Wire, headers: Mapping[str, str], body: bytes) -> Answer:
    url = checked_url(wire.url, allowed=ways.hosts.allow_private)
    return post(url, headers, body, ways.hosts)


def _mail(ways: Ways, wire: Wire, message: Message) -> Answer:
    from hooks.outgoing import mail  # only those who send any load what it takes

    if ways.mail is None:
        return Answer(None, _NO_MAIL)
    return mail.send(ways.mail, ways.sender, wire.url.removeprefix(MAILTO), message)


_CHANNELS: Mapping[Channel, Callable[[Ways, Wire, Message], Answer]] = {
    Channel.WEBHOOK: _webhook,
    Channel.SLACK: _slack,
    Channel.MAIL: _mail,
}
