"""Whether builds may run at all: where they have our account and no fence, only its owner's may."""

from collections.abc import Iterable
from datetime import datetime

from stratum.door.fencing.fences import Fences
from stratum.fence import Fence
from stratum.model import Right, Token


def refusal(fence: Fence, found: Fences, tokens: Iterable[Token], at: datetime) -> str:
    """Say why builds are refused; empty when they are not.

    A build runs what its pusher wrote. Unfenced and in plain sight of everything, that is as good as
    the server's own account, which an administrator has anyway, and nobody else.
    """
    if fence.fenced or found.keeps_from_us:
        return ""
    others = sorted(token.name for token in tokens if _may_build(token) and not token.has_expired(at))
    if not others:
        return ""
    return (
        f"Builds could read and change all that Stratum has here, since no fence can be put up, and "
        f"{_shown(others)} may push without being an administrator."
    )


def _may_build(token: Token) -> bool:
    return not token.is_admin and any(grant.right.includes(Right.PUSH) for grant in token.rights)


def _shown(names: list[str]) -> str:
    return f"the token {names[0]!r}" if len(names) == 1 else f"{len(names)} tokens, one of them {names[0]!r},"
