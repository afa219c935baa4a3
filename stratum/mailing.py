"""The server that takes the operator's mail, and addresses of mail: what may be one. Pure."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit

from stratum.errors import InvalidInput

# What browsers take for an address (HTML Living Standard, 4.10.5.1.5), no longer than SMTP allows (RFC 5321).
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*")
_MAX_ADDRESS = 254
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over.

    Attributes:
        is_tls: it speaks TLS from the first byte; else STARTTLS, where it offers that.
        user: empty: it is told no password.
    """

    host: str
    port: int
    is_tls: bool
    user: str
    password: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read STRATUM_SMTP_URL; None for an empty one.

        Raises:
            InvalidInput: it is none; the text is not repeated, for there may be a password in it.
        """
        if not text:
            return None
        try:
            url = urlsplit(text)
            port = url.port
        except ValueError:
            url, port = urlsplit(""), None
        if url.scheme not in _PORTS or not url.hostname or port == 0 or url.path not in ("", "/"):
            message = "STRATUM_SMTP_URL is no address of a mail server."
            raise InvalidInput(
                message,
                "Allowed are smtp://USER:PASSWORD@HOST:587 and smtps://…:465; the user may be left out.",
            )
        user, password = unquote(url.username or ""), unquote(url.password or "")
        return cls(url.hostname, port or _PORTS[url.scheme], url.scheme == "smtps", user, password)


def checked_address(given: str) -> str:
    """Return an address that mail can be sent to.

    Raises:
        InvalidInput: it is none.
    """
    if len(given) > _MAX_ADDRESS or not _ADDRESS.fullmatch(given):
        message = f"{given[:80]!r} is no address of mail."
        raise InvalidInput(message, "Give one such as team@example.com.")
    return given
