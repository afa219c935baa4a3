"""Words of web hooks that the store, the API and the command line share. Pure."""

import secrets
from enum import StrEnum


class Provider(StrEnum):
    """Which git server sends; its value stands in the address that it sends to."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"  # and Forgejo, and Gogs
    BITBUCKET = "bitbucket"  # Cloud
    BITBUCKET_DC = "bitbucket-dc"  # Data Center
    GENERIC = "generic"  # Standard Webhooks


TOKEN_USER = "x-token-auth"  # who a token is of: Bitbucket wants this one, others take any
PREFIX = "webhook:"  # of the names of their tokens; no other can be called so, as a name is a DNS label


def new_public_id() -> str:
    """Return what names a web hook in its address; nobody guesses it."""
    return secrets.token_hex(16)


def pusher_name(public_id: str, pull: int | None = None) -> str:
    """Return who pushes, and whose builds are, what a web hook has fetched.

    Args:
        pull: number of the pull request that it is for: several may be pushed at a time.
    """
    return f"{PREFIX}{public_id}" + ("" if pull is None else f"/pr-{pull}")
