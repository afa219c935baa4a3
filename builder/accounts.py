"""Whose code may be built here: where builds have our own account and no fence, nobody else's."""

from builder.workshop import Workshop
from stratum.door.fencing import accounts, fences
from stratum.errors import BuildFailed
from stratum.store import tokens
from stratum.store.clock import now

_WHAT = "The build"
_WAY_OUT = (
    "Its operator has to start Stratum as root, or where the kernel grants an ordinary user namespaces; "
    "or to revoke those tokens."
)


def check_accounts(shop: Workshop) -> None:
    """See that a build may begin; nothing is touched.

    Raises:
        BuildFailed: several may push, and nothing would be between the build and what is ours.
    """
    instance = shop.instance
    if instance.fence.fenced:
        return
    with shop.db.read() as tx:
        known = tokens.list_tokens(tx)
    why = accounts.refusal(instance.fence, fences.read(instance.layout.fences) or fences.NONE, known, now())
    if why:
        raise BuildFailed(_WHAT, f"builds are refused. {why}", hint=_WAY_OUT)
