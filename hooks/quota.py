"""How much an app may push at once, and keep: its own limits, or the server's."""

from dataclasses import dataclass
from pathlib import Path

from hooks.care.stock import repo_bytes
from stratum import sizes
from stratum.errors import Conflict, InvalidInput
from stratum.instance import Instance
from stratum.model import App


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest pack accepted, and largest repository, in bytes."""

    push_bytes: int
    repo_bytes: int

    def most(self, held: int) -> int:
        """How large a pack may be for a repository that holds so much; 0: none may."""
        return max(0, min(self.push_bytes, self.repo_bytes - held))


class PushTooLarge(InvalidInput):
    """A pack is over the app's limit for one push."""

    slug = "push-too-large"

    def __init__(self, app: App, limit: int) -> None:
        super().__init__(
            f"The push is larger than the {sizes.shown(limit)} that {app.name} takes at once.",
            f"Push in parts, or ask for more: {_command(app, '--max-push')}",
        )
        self.limit = limit


class QuotaReached(Conflict):
    """A repository has no room for a push."""

    slug = "quota-reached"

    def __init__(self, app: App, size: int, limit: int) -> None:
        super().__init__(
            f"The repository of {app.name} holds {sizes.shown(size)} of the {sizes.shown(limit)} that it may,"
            " and the push does not fit.",
            f"Ask for more: {_command(app, '--quota')}",
        )
        self.size, self.limit = size, limit


def limits(instance: Instance, app: App) -> Limits:
    """Return the limits in force for an app."""
    server = instance.settings
    return Limits(app.max_push_bytes or server.max_push_bytes, app.max_repo_bytes or server.max_repo_bytes)


def max_input(instance: Instance, app: App) -> int:
    """Return what receive.maxInputSize is to be: at least 1, since 0 would be no limit."""
    return max(1, limits(instance, app).most(repo_bytes(_repo(instance, app))))


def no_room(instance: Instance, app: App, sent: int) -> QuotaReached | None:
    """Say that what was sent does not fit, for whoever holds the app's turn; None when it does.

    git was told the room that there was when it started; other pushes have been taken since.

    Args:
        sent: bytes of all that a push has brought.
    """
    if not sent:
        return None
    held, most = repo_bytes(_repo(instance, app)), limits(instance, app).repo_bytes
    return QuotaReached(app, held, most) if held + sent > most else None


def too_large(instance: Instance, app: App) -> PushTooLarge | QuotaReached:
    """Say why git found a pack over receive.maxInputSize."""
    held, found = repo_bytes(_repo(instance, app)), limits(instance, app)
    if found.repo_bytes - held < found.push_bytes:
        return QuotaReached(app, held, found.repo_bytes)
    return PushTooLarge(app, found.push_bytes)


def _command(app: App, option: str) -> str:
    return f"stratum apps set {app.name} -E {app.environment.name} {option} SIZE."


def _repo(instance: Instance, app: App) -> Path:
    return instance.layout.repo(app.id)
