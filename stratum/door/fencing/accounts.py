"""Whether builds may run at all: where apps have our account, only code of its owner's may."""

from collections.abc import Iterable
from datetime import datetime

from stratum.fence import Fence
from stratum.model import Right, Token


def refusal(fence: Fence, tokens: Iterable[Token], at: datetime, *, trusting: bool) -> str:
    """Say why builds are refused; empty when they are not.

    What is built is run, and unfenced its processes have the server's own account, whatever fences its
    build had. That is as good as being an administrator.

    Args:
        trusting: whether the operator has said that whoever may push may have all that this account has.
    """
    if fence.fenced or trusting:
        return ""
    others = sorted(token.name for token in tokens if _may_build(token) and not token.has_expired(at))
    if not others:
        return ""
    return (
        f"What is pushed runs here as the account of Stratum itself, with all that it has, and "
        f"{_shown(others)} may push without being an administrator."
    )


def _may_build(token: Token) -> bool:
    return not token.is_admin and any(grant.right.includes(Right.PUSH) for grant in token.rights)


def _shown(names: list[str]) -> str:
    return f"the token {names[0]!r}" if len(names) == 1 else f"{len(names)} tokens, one of them {names[0]!r},"
