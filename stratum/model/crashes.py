"""Processes that keep ending by themselves."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Crash:
    """A process that is crash-looping.

    Attributes:
        process: its name, `<env>.<app>.v<release>.<target>.<index>`.
        since: the first of its ends in a row.
        count: how many there were.
        exit_status: of the last one, negative for a signal; None where it could not even be started.
        last_at: when the last one was noticed.
    """

    app_id: int
    process: str
    since: datetime
    count: int
    exit_status: int | None
    last_at: datetime
