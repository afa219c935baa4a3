"""Asking and telling the API of a web hook's git server, at the address that was checked."""

import json
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlsplit

from hooks.outgoing.http import Answer, Request, ask
from hooks.outgoing.reach import Allowed
from hooks.upstream.api import Credential, Repository, repository, signed_in
from hooks.upstream.verdict import shortened
from hooks.webhooks.source import allowed_hosts
from stratum.door.wayout.hosts import Place
from stratum.instance import Instance
from stratum.model import Upstream, Webhook
from stratum.secrets import unseal
from stratum.webhooks import Provider

MOST_BYTES = 4 << 20  # of an answer that is read


@dataclass(frozen=True, slots=True)
class Exchange:
    """With the API of one git server, about one repository."""

    provider: Provider
    repository: Repository
    headers: dict[str, str]
    allowed: Allowed

    @classmethod
    def of(cls, instance: Instance, webhook: Webhook, upstream: Upstream) -> Self:
        """Make one.

        Raises:
            InvalidInput: its git server has no API that is known.
            Unavailable: the key cannot be used.
        """
        found = repository(webhook.provider, webhook.clone_url, upstream.api_url)
        sealed = upstream.sealed_token or webhook.sealed_credential
        opened = unseal(instance.layout.config_key, sealed)
        credential = Credential(opened.get("user", ""), opened.get("password", ""))
        return cls(webhook.provider, found, signed_in(webhook.provider, credential), allowed(instance))

    def elsewhere(self, base: str) -> Self:
        """Return one with another part of the same server's API."""
        return replace(self, repository=replace(self.repository, base=base))

    def post(self, below: str, body: bytes) -> Answer:
        """Send a body; never raises for what the other side does."""
        url = urlsplit(f"{self.repository.base}{below}")
        return _told(ask(Request("POST", url, self.headers, body, MOST_BYTES), self.allowed))

    def get(self, below: str) -> Answer:
        """Ask; never raises for what the other side does."""
        url = urlsplit(f"{self.repository.base}{below}")
        return _told(ask(Request("GET", url, self.headers, most_bytes=MOST_BYTES), self.allowed))


def said(answer: Answer) -> Any:
    """Return what an answer says in JSON; None where it is none, or was cut."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def allowed(instance: Instance) -> Allowed:
    """Return the hosts that may be asked wherever they are: those that sources may be fetched from."""
    places = allowed_hosts(instance.settings.fetch_hosts)

    def allow_private(host: str, port: int) -> bool:
        return bool({Place(host, port), Place(host, None)} & places)

    return Allowed("STRATUM_FETCH_HOSTS", allow_private)


def _told(answer: Answer) -> Answer:
    """Say of a refusal what the git server says of it."""
    why = shortened(answer.text)
    return replace(answer, error=f"{answer.error}: {why}") if answer.error and why else answer
