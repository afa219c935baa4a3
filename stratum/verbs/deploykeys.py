"""Deploy keys of web hooks whose source is fetched by SSH: another one is made, the one before given up."""

from stratum.errors import Conflict
from stratum.model import App, Credential, Webhook
from stratum.store import Transaction, webhooks
from stratum.verbs.change import Change
from stratum.verbs.webhooks import find

MOST = 2  # the current one, and the one before until it is given up


def check_another(webhook: Webhook) -> None:
    """See that a web hook may have another deploy key.

    Raises:
        Conflict: it has none, or two.
    """
    if webhook.credential is not Credential.KEY:
        message = f"{webhook.public_id} has no deploy key: its source is fetched by https."
        raise Conflict(message, "Create a web hook for an address of SSH, such as git@HOST:PATH.")
    if len(webhook.deploy_keys) >= MOST:
        message = f"{webhook.public_id} has two deploy keys already."
        hint = "Give up the one before: stratum webhooks deploy-key ID --forget-previous."
        raise Conflict(message, hint)


def add(tx: Transaction, app: App, before: Webhook, public: str, sealed: bytes) -> None:
    """Have a deploy key offered first; the one until now is kept, and offered after it.

    Args:
        before: the web hook as it was when the keys were sealed.
        sealed: private keys: `current`, `previous`.

    Raises:
        Conflict: it has none, or two, or was changed meanwhile.
    """
    check_another(before)
    _change(tx, app, before, (public, *before.deploy_keys), sealed)


def forget_previous(tx: Transaction, app: App, before: Webhook, sealed: bytes) -> Change:
    """Give the deploy key before the current one up.

    Args:
        sealed: `current` alone.

    Raises:
        Conflict: the web hook was changed meanwhile.
    """
    if len(before.deploy_keys) < MOST:
        return Change(changed=False, message=f"{before.public_id} has no deploy key besides the current one.")
    _change(tx, app, before, before.deploy_keys[:1], sealed)
    return Change(changed=True, message=f"Only the current deploy key of {before.public_id} is offered now.")


def _change(tx: Transaction, app: App, before: Webhook, public: tuple[str, ...], sealed: bytes) -> None:
    now = find(tx, app, before.public_id)
    if now.sealed_credential != before.sealed_credential:
        message = f"The deploy keys of {before.public_id} were changed meanwhile."
        raise Conflict(message, "See what it has now: stratum webhooks show ID.")
    values = {"deploy_keys": list(public), "sealed_credential": sealed}
    webhooks.change_webhook(tx, now.id, values)
