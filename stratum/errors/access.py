"""Who asks may not."""

import math

from stratum.errors.root import StratumError


class Denied(StratumError):
    """The caller is not who, or not allowed what, the request needs."""

    slug = "denied"


class BadCredentials(Denied):
    """No token, or one that is not known (any more)."""

    slug = "bad-credentials"

    def __init__(self) -> None:
        super().__init__("This needs a valid token.", "Sign in with: stratum login URL.")


class TooManyAttempts(Denied):
    """Too many sign-ins from there have failed lately, so this one was not even looked at.

    Attributes:
        wait_s: whole seconds after which it will be.
    """

    slug = "too-many-attempts"

    def __init__(self, wait_s: float) -> None:
        self.wait_s = math.ceil(wait_s)
        super().__init__("Too many sign-ins have failed.", f"Try again in {self.wait_s} s.")


class NotAllowed(Denied):
    """The token may do something here, but not this.

    Attributes:
        action: what is refused: `push to it`.
        may: what is not: `read`.
    """

    slug = "not-allowed"

    def __init__(self, action: str, where: str, may: str = "read") -> None:
        super().__init__(
            f"Your token may {may} {where}, but not {action}.", "Ask an administrator for one that may."
        )
        self.action, self.where = action, where
