"""The git servers that can send: how each signs, and how its deliveries are read. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hooks.webhooks import bitbucket, github, gitlab, signatures
from hooks.webhooks.delivery import Delivery
from hooks.webhooks.event import Event
from hooks.webhooks.generic import generic
from stratum.webhooks import Provider


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is a provider's own.

    Attributes:
        check: raises BadSignature for a delivery that is not signed with one of the secrets.
        read: raises DeliveryMalformed for one that is not as the provider's are.
    """

    check: signatures.Check
    read: Callable[[Delivery], Event]


_GITEA_SIGNATURES = ("x-forgejo-signature", "x-gitea-signature", "x-gogs-signature", "x-hub-signature-256")

DIALECTS: Mapping[Provider, Dialect] = {
    Provider.GITHUB: Dialect(signatures.hexadecimal("x-hub-signature-256"), github.github),
    Provider.GITLAB: Dialect(signatures.gitlab, gitlab.gitlab),
    Provider.GITEA: Dialect(signatures.hexadecimal(*_GITEA_SIGNATURES), github.gitea),
    Provider.BITBUCKET: Dialect(signatures.hexadecimal("x-hub-signature"), bitbucket.cloud),
    Provider.BITBUCKET_DC: Dialect(signatures.hexadecimal("x-hub-signature"), bitbucket.data_center),
    Provider.GENERIC: Dialect(signatures.standard, generic),
}
