"""A part of the server that does not answer, and what a server's answer is to its client."""

from stratum.errors.root import StratumError


class Unavailable(StratumError):
    """A part that Stratum stands on does not answer; trying again later may help."""

    slug = "unavailable"


class SupervisorUnavailable(Unavailable):
    """Supervisord does not answer, or refused a call that should work."""

    slug = "supervisor-unavailable"


class RouterUnavailable(Unavailable):
    """Caddy's admin socket does not answer, or Caddy refused a configuration."""

    slug = "router-unavailable"


class QueueUnavailable(Unavailable):
    """Redis does not answer."""

    slug = "queue-unavailable"


class DoorUnavailable(Unavailable):
    """The root-owned spawner does not answer, or refused a request."""

    slug = "door-unavailable"


class DoorLost(DoorUnavailable):
    """It is not there, or went away before it answered; what it was at has ended with it."""

    slug = "door-lost"


class ServerUnavailable(Unavailable):
    """The Stratum server does not answer its client."""

    slug = "server-unavailable"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"No Stratum answers at {url}: {reason}.",
            "Is it up, and is the address right? stratum login URL chooses another.",
        )
        self.url, self.reason = url, reason


class Refused(StratumError):
    """The server refused a request; in the client this stands for whatever error the server had.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, status: int, slug: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status, self.slug = status, slug
