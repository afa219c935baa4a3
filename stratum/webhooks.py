"""Words of web hooks that the store, the API and the command line share. Pure."""

import base64
import secrets
from enum import StrEnum

SECRET_BYTES = 32


class Provider(StrEnum):
    """Which git server sends; its value stands in the address that it sends to."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"  # and Forgejo, and Gogs
    BITBUCKET = "bitbucket"  # Cloud
    BITBUCKET_DC = "bitbucket-dc"  # Data Center
    GENERIC = "generic"  # Standard Webhooks


def new_webhook_secret() -> str:
    """Return a fresh secret, in a form that every provider takes, also as GitLab's signing token."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def new_public_id() -> str:
    """Return what names a web hook in its address; nobody guesses it."""
    return secrets.token_hex(16)
