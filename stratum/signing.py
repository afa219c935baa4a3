"""Signing what is sent, as Standard Webhooks 1.0.0 has it (symmetric scheme, `v1`). Pure, but for chance.

Source: the specification of Standard Webhooks, "Signature scheme": HMAC-SHA256 over
`<webhook-id>.<webhook-timestamp>.<body>`, in base64; a secret is `whsec_` and the base64 of 24 to 64 bytes;
several signatures stand with blanks between, so that secrets can be replaced without a gap.
"""

import base64
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
KEY_BYTES = 32


def new_signing_secret() -> str:
    """Return a fresh secret, `whsec_…`."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def signature(secret: str, key: str, timestamp_s: int, body: bytes) -> str:
    """Sign a message: `v1,<base64>`.

    Args:
        secret: one of `new_signing_secret`.
        key: the message's name, its `webhook-id`.
        timestamp_s: of this attempt, in seconds since 1970.
    """
    signed = f"{key}.{timestamp_s}.".encode() + body
    digest = hmac.digest(base64.b64decode(secret.removeprefix(PREFIX)), signed, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(secrets_: Sequence[str], key: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a signed message, with a signature by each secret that is in force."""
    signatures = (signature(secret, key, timestamp_s, body) for secret in secrets_)
    return {
        "webhook-id": key,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signatures),
    }
