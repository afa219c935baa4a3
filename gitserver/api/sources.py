"""Where web hooks' sources are, as requests name them, and with what they are fetched."""

from collections.abc import Mapping

from gitserver.api.access import app_named
from gitserver.api.shapes import NewWebhook
from gitserver.services import services
from hooks.webhooks.source import Source, allowed_hosts, checked_source, is_allowed
from hooks.webhooks.ssh.calling import host_key_of
from hooks.webhooks.ssh.keys import DeployKey, new_deploy_key, read_host_key
from stratum.door.wayout.hosts import Place
from stratum.errors import InvalidInput
from stratum.model import Credential
from stratum.secrets import seal, unseal
from stratum.verbs.webhooks import Access


def given_source(text: str) -> Source:
    """Read where a source is fetched from.

    Raises:
        InvalidInput: it may not be fetched from there.
    """
    return checked_source(text, fetch_hosts())


def fetch_hosts() -> frozenset[Place]:
    """Return the hosts that the operator has named."""
    return allowed_hosts(services().instance.settings.fetch_hosts)


def access(given: NewWebhook, source: Source) -> Access:
    """Return with what a new web hook's source is fetched; by SSH a deploy key is made for it.

    Raises:
        InvalidInput: it cannot be fetched so, or its server does not show its host key.
    """
    return _by_ssh(given, source) if source.is_by_ssh else _by_https(given)


def own_deploy_key() -> DeployKey:
    """Make a deploy key that names the app."""
    return new_deploy_key(f"stratum:{app_named().label}")


def sealed(values: Mapping[str, str]) -> bytes:
    """Encrypt what is secret of a web hook."""
    return seal(services().instance.layout.config_key, values)


def opened(ciphertext: bytes | None) -> dict[str, str]:
    """Decrypt it; nothing of None."""
    return unseal(services().instance.layout.config_key, ciphertext)


def _by_https(given: NewWebhook) -> Access:
    if given.host_keys:
        message = "A host key is for sources that are fetched by SSH."
        raise InvalidInput(message, "Leave it out, or give an address such as git@HOST:PATH.")
    if not given.token:
        return Access()
    return Access(Credential.TOKEN, sealed({"user": given.user, "password": given.token}))


def _by_ssh(given: NewWebhook, source: Source) -> Access:
    if given.token:
        message = "A token is of no use by SSH."
        raise InvalidInput(message, "Leave it out: a deploy key is made.")
    known = tuple(map(read_host_key, given.host_keys))
    known = known or (host_key_of(source, may_be_private=is_allowed(fetch_hosts(), source)),)
    key = own_deploy_key()
    return Access(Credential.KEY, sealed({"current": key.private}), (key.public,), known)
