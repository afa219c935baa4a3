"""A mail server on loopback (aiosmtpd) that keeps what it is handed."""

import socket
import ssl
from asyncio.base_events import Server
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

PASSWORD = "p@ss:word/"


@dataclass
class Mailbox:
    """The server.

    Attributes:
        refusals: recipient → what the next messages to them are answered, one each.
        signed_in: users who gave the password.
    """

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    refusals: dict[str, list[str]] = field(default_factory=dict)
    signed_in: list[str] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.refusals.get(address):
            return self.refusals[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        letter = BytesParser(policy=default).parsebytes(envelope.content)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        self.over_tls.append(session.ssl is not None)
        return "250 taken"

    def authenticate(self, server, session, envelope, mechanism, given):
        is_right = given.password == PASSWORD.encode()
        if is_right:
            self.signed_in.append(given.login.decode())
        return AuthResult(success=is_right, handled=False)


class _AnyPort(Controller):
    """Listens at a port that the system chooses, and is met there without haste."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        with socket.create_connection((self.hostname, self.port), 60) as met:
            met.recv(1024)


@contextmanager
def mailbox(tls: ssl.SSLContext | None = None, **more: Any) -> Iterator[Mailbox]:
    """Take mail for as long as the block lasts; with a context by STARTTLS only, and from who signs in."""
    made = Mailbox()
    if tls is not None:
        more |= {"tls_context": tls, "require_starttls": True, "auth_required": True}
        more |= {"authenticator": made.authenticate}
    controller = _AnyPort(made, hostname="127.0.0.1", port=0, ready_timeout=60, **more)
    controller.start()
    made.port = controller.port
    try:
        yield made
    finally:
        controller.stop()
