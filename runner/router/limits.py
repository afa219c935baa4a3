"""What a client may ask of the router, and an app of a client's patience."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits.

    Attributes:
        body_bytes: of a request to an app.
        headers_s, request_s: how long the headers, and all of a request, may take to come.
        answer_s: how long an app may take to begin its answer.
        idle_s: how long a connection is kept without a request.
        streams_s: how long WebSockets live on after another configuration was loaded, which for so long is
            kept in memory. Without it a change to any app would close those of all apps at once.
    """

    body_bytes: int = 256 << 20
    headers_s: float = 30.0
    request_s: float = 3600.0
    answer_s: float = 600.0
    idle_s: float = 300.0
    streams_s: float = 300.0


def duration(seconds: float) -> str:
    """Write a time as Caddy reads it."""
    return f"{seconds * 1000:.0f}ms"
