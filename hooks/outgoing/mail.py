"""Sending by mail: to the operator's own server, which sends it on."""

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.utils import formatdate

from hooks.outgoing.http import LIMIT_S, Answer
from hooks.outgoing.reach import deadline
from stratum.buildlog import harmless
from stratum.mailing import MailServer
from stratum.model import Message

_FINAL = range(550, 555)  # RFC 5321, 4.2.2: there is no such mailbox, or it may not be used
_NO_TLS = "the mail server offers no STARTTLS, and is told no password in the clear"


def send(server: MailServer, sender: str, recipient: str, message: Message) -> Answer:
    """Hand a message over; never raises for what the other side does.

    Args:
        message: its body is the subject, an empty line, and the text.
    """
    try:
        connection = _connected(server)
        try:
            _hand_over(connection, server, _letter(sender, recipient, message))
        finally:
            _leave(connection)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        return Answer(code, f"the mail server refuses {recipient}: {_shown(said)}", is_final=code in _FINAL)
    except smtplib.SMTPResponseException as error:
        return Answer(error.smtp_code, f"the mail server said {error.smtp_code} {_shown(error.smtp_error)}")
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return Answer(None, f"the mail server: {_shown(str(error)) or type(error).__name__}")
    return Answer(250, "")


def _hand_over(connection: smtplib.SMTP, server: MailServer, letter: EmailMessage) -> None:
    assert connection.sock is not None
    with deadline(connection.sock, LIMIT_S):
        _greet(connection, server)
        connection.send_message(letter)


def _leave(connection: smtplib.SMTP) -> None:
    """Say goodbye; whether that is heard changes nothing."""
    with suppress(OSError, smtplib.SMTPException):
        connection.quit()
    connection.close()


def _connected(server: MailServer) -> smtplib.SMTP:
    if server.is_tls:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, timeout=LIMIT_S, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=LIMIT_S)


def _greet(connection: smtplib.SMTP, server: MailServer) -> None:
    """Say hello, by TLS where that is to be had, and who we are.

    Raises:
        smtplib.SMTPException: it would be told a password in the clear, or says no.
    """
    connection.ehlo()
    if not server.is_tls and connection.has_extn("starttls"):
        connection.starttls(context=ssl.create_default_context())
        connection.ehlo()
    elif server.user and not server.is_tls:
        raise smtplib.SMTPException(_NO_TLS)
    if server.user:
        connection.login(server.user, server.password)


def _letter(sender: str, recipient: str, message: Message) -> EmailMessage:
    subject, _, text = message.body.partition("\n\n")
    letter = EmailMessage(POLICY)
    letter["From"], letter["To"], letter["Subject"] = sender, recipient, subject
    letter["Date"] = formatdate(usegmt=True)
    # The same at each attempt: programs show what comes twice once.
    letter["Message-ID"] = f"<{message.key}@{sender.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody who is away answers it
    letter.set_content(text, cte="quoted-printable")
    return letter


def _shown(said: bytes | str) -> str:
    raw = said if isinstance(said, bytes) else said.encode("utf-8", "replace")
    return harmless(raw).decode("utf-8", "replace")[:200]
