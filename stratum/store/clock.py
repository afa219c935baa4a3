"""The present moment, as the store writes it."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """Return the aware UTC time."""
    return datetime.now(UTC)


def in_seconds(seconds: float) -> datetime:
    """Return a moment in the future, for leases."""
    return now() + timedelta(seconds=seconds)
