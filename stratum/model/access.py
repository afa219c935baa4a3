"""Who may do what."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Right(StrEnum):
    """What a token may do with an app; each includes those before it.

    Read: clone, fetch, see processes, logs, builds. Push: also refs that do not deploy. Deploy: also
    what deploys, and all that changes what runs. Admin: also settings, tokens, and the app's end.
    """

    READ = "read"
    PUSH = "push"
    DEPLOY = "deploy"
    ADMIN = "admin"

    def includes(self, other: "Right") -> bool:
        """Whether who has this one has the other, too."""
        order = tuple(Right)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret. An administrator's may do everything.

    Attributes:
        expires_at: from then on it is as good as unknown; None: never.
        created_by: name of the token it was made with; empty for the first one.
    """

    id: int
    name: str
    is_admin: bool
    created_at: datetime
    last_used_at: datetime | None
    rights: tuple["Grant", ...] = ()
    expires_at: datetime | None = None
    created_by: str = ""

    def has_expired(self, at: datetime) -> bool:
        """Whether it is worth nothing at a moment."""
        return self.expires_at is not None and self.expires_at <= at


@dataclass(frozen=True, slots=True)
class Grant:
    """A right on one app, or on all of an environment when `app_id` is None."""

    environment_id: int
    app_id: int | None
    right: Right
