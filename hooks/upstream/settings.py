"""What a person may wish of a git server's API: checked before it is kept. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hooks.upstream.api import origin, repository
from hooks.webhooks.source import checked_source
from stratum.door.wayout.hosts import Place
from stratum.errors import Conflict, InvalidInput
from stratum.excerpt import quoted
from stratum.model import Credential, Upstream, Webhook
from stratum.webhooks import Provider

_GIVE_TOKEN = "Give a token for it: stratum webhooks set ID --status-token-file FILE."


def wished(before: Upstream, old: Webhook, new: Webhook, asked: Mapping[str, Any]) -> Upstream:
    """Return how a web hook's git server is to be spoken to.

    A token that is kept while nobody speaks is forgotten as soon as it would be another server's.

    Args:
        old, new: the web hook before and after the same request.
        asked: any of the fields that a person sets, the address of the API checked, and `sealed_token`.

    Raises:
        InvalidInput: the git server has no API that is known, or not of this repository.
        Conflict: there is no token, or one would be given to another server than it was given for.
    """
    after = replace(before, **asked)
    if after.deployments and new.provider is not Provider.GITHUB:
        message = f"{new.provider} has no deployments: GitHub has."
        raise InvalidInput(message, "It can be told statuses: stratum webhooks set ID --statuses.")
    is_others = "sealed_token" not in asked and _server(old, before) != _server(new, after)
    if not (after.statuses or after.deployments or after.wait_for_ci):
        return replace(after, sealed_token=None) if is_others else after
    base = repository(new.provider, new.clone_url, after.api_url).base
    if asked.get("sealed_token"):
        return after
    if after.sealed_token is None:
        _check_fetch_token(new, after, base)
    elif is_others:
        message = f"The token for statuses is of another server than {origin(base)}, which would be given it."
        raise Conflict(message, _GIVE_TOKEN)
    return after


def checked_api_url(given: str, allowed: frozenset[Place]) -> str:
    """Return the address of an API without a slash at its end; empty for where it follows from the clone URL.

    Raises:
        InvalidInput: it is none, or may not be asked.
    """
    if not given:
        return ""
    below = "/-"  # an address of a source has a path, that of an API may have none
    message = f"{quoted(given)} cannot be the address of an API."
    hint = "Give one as https://git.example.com/api/v3; the operator allows http by STRATUM_FETCH_HOSTS."
    try:
        found = checked_source(f"{given.rstrip('/')}{below}", allowed)
    except InvalidInput as error:
        raise InvalidInput(message, hint) from error
    if found.is_by_ssh:
        raise InvalidInput(message, hint)
    return found.url.removesuffix(below)


def _server(webhook: Webhook, upstream: Upstream) -> str:
    """Return whose API it is; empty: nobody's that is known."""
    try:
        return origin(repository(webhook.provider, webhook.clone_url, upstream.api_url).base)
    except InvalidInput:
        return ""


def _check_fetch_token(webhook: Webhook, after: Upstream, base: str) -> None:
    """See that there is a token to fetch with, and that only the server it is for is given it."""
    if webhook.credential is not Credential.TOKEN:
        message = f"{webhook.public_id} has no token with which its git server could be told."
        raise Conflict(message, _GIVE_TOKEN)
    if after.api_url and origin(base) != origin(webhook.clone_url):
        own, other = origin(webhook.clone_url), origin(base)
        message = f"The token to fetch with is for {own}, and {other} would be given it."
        raise Conflict(message, _GIVE_TOKEN)
