"""Whether a delivery was sent by somebody who knows a web hook's secret. Pure, in constant time.

Two secrets may be live, while a web hook's is being exchanged at the sender's. Nothing is parsed before.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from hooks.webhooks.delivery import Delivery
from stratum.errors import BadSignature

Check = Callable[[Delivery, Sequence[str], datetime], None]

TOLERANCE = timedelta(minutes=5)
PREFIX = "whsec_"
_SECONDS = re.compile(r"[0-9]{1,12}")


def hexadecimal(*names: str) -> Check:
    """Return a check of headers with the HMAC-SHA256 of the body in hex, after `sha256=` or bare.

    Args:
        names: of the headers, in small letters; the first that is there counts.

    Source: docs.github.com, "Validating webhook deliveries"; Gitea's documentation of web hooks;
    Atlassian's "Manage webhooks" (Bitbucket).
    """

    def check(delivery: Delivery, secrets: Sequence[str], _now: datetime) -> None:
        name = next((one for one in names if delivery.first(one)), "")
        given = delivery.first(*names).removeprefix("sha256=").lower()
        if not given:
            reason = f"it has no signature ({names[0]})"
            raise BadSignature(reason, "Set the secret of this web hook at the sender's.")
        made = [hmac.new(secret.encode(), delivery.body, "sha256").hexdigest() for secret in secrets]
        if not _is_one_of(_bytes(given), [one.encode() for one in made]):
            reason = f"its signature ({name}) is not of this secret and this body"
            raise BadSignature(reason)

    return check


def gitlab(delivery: Delivery, secrets: Sequence[str], now: datetime) -> None:
    """Check GitLab's signature, or where it sends none its token, which is the secret in clear.

    Source: docs.gitlab.com, "Webhooks"; gitlab.com/gitlab-org/gitlab, merge request 230944 (2026): with a
    signing token as Standard Webhooks has it.
    """
    if delivery.first("webhook-signature"):
        standard(delivery, secrets, now)
        return
    given = delivery.first("x-gitlab-token")
    if not given:
        reason = "it has neither a signature (webhook-signature) nor a token (X-Gitlab-Token)"
        raise BadSignature(reason, "Set the secret of this web hook at the sender's.")
    if not _is_one_of(_bytes(given), [secret.encode() for secret in secrets]):
        reason = "its token (X-Gitlab-Token) is not this secret"
        raise BadSignature(reason)


def standard(delivery: Delivery, secrets: Sequence[str], now: datetime) -> None:
    """Check a signature as Standard Webhooks has it: over id, time and body, and not too old.

    Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md: several signatures
    may stand there, with blanks between, each after its version.
    """
    message_id, sent_at = delivery.first("webhook-id"), delivery.first("webhook-timestamp")
    parts = (one.partition(",") for one in delivery.first("webhook-signature").split())
    signatures = [signature for version, _, signature in parts if version == "v1"]
    if not message_id or not sent_at or not signatures:
        reason = "it lacks webhook-id, webhook-timestamp, or a webhook-signature of version v1"
        raise BadSignature(reason, "Set the secret of this web hook at the sender's.")
    said = b".".join((_bytes(message_id), _bytes(sent_at), delivery.body))
    made = [base64.b64encode(hmac.new(key(secret), said, "sha256").digest()) for secret in secrets]
    if not any([_is_one_of(_bytes(signature), made) for signature in signatures]):
        reason = "its signature (webhook-signature) is not of this secret and this body"
        raise BadSignature(reason)
    _check_time(sent_at, now)


def key(secret: str) -> bytes:
    """Return the key that a secret of Standard Webhooks stands for: base64 after `whsec_`, else its bytes."""
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return secret.encode()


def _check_time(sent_at: str, now: datetime) -> None:
    seconds = int(sent_at) if _SECONDS.fullmatch(sent_at) else None
    if seconds is None or abs(now.timestamp() - seconds) > TOLERANCE.total_seconds():
        minutes = int(TOLERANCE.total_seconds() // 60)
        reason = f"it was sent (webhook-timestamp) more than {minutes} minutes from now"
        raise BadSignature(reason, "See that the clocks of both servers are right, and send it again.")


def _is_one_of(given: bytes, right: Sequence[bytes]) -> bool:
    """Compare with each, whichever fits, so that the time taken tells nothing."""
    return any([hmac.compare_digest(given, one) for one in right])


def _bytes(text: str) -> bytes:
    """Give back the bytes of a header, which WSGI hands on as Latin-1 (PEP 3333)."""
    return text.encode("latin-1", "replace")
