"""Whose code may be built here: where it would run as our own account, nobody else's."""

from builder.workshop import Workshop
from stratum.door.fencing import accounts
from stratum.errors import BuildFailed
from stratum.store import tokens
from stratum.store.clock import now

_WHAT = "The build"
_WAY_OUT = (
    "Its operator has to start Stratum as root, or to revoke those tokens, or, where whoever may push may "
    "have all that this account has, to set STRATUM_TRUST_PUSHERS=true."
)


def check_accounts(shop: Workshop) -> None:
    """See that a build may begin; nothing is touched.

    Raises:
        BuildFailed: others than administrators may push, and nothing would be between what they push
            and what is ours.
    """
    instance = shop.instance
    if instance.fence.fenced:
        return
    with shop.db.read() as tx:
        known = tokens.list_tokens(tx)
    why = accounts.refusal(instance.fence, known, now(), trusting=instance.settings.trust_pushers)
    if why:
        raise BuildFailed(_WHAT, f"builds are refused. {why}", hint=_WAY_OUT)
