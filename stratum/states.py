"""How a process is, in words that every engine uses. Pure.

They are supervisord's, since operators read them from `supervisorctl` as well.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """What a process is doing; the words that people read are in `stratum.processes`."""

    STARTING = "STARTING"  # in its first second
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"  # between a failing start and the next one
    EXITED = "EXITED"  # about to be started again; of what runs once: for good
    STOPPING = "STOPPING"  # until all that belongs to it has ended
    STOPPED = "STOPPED"
    FATAL = "FATAL"
    UNKNOWN = "UNKNOWN"


_OVER = frozenset({State.STOPPED, State.FATAL, State.UNKNOWN})
_UP = frozenset({State.STARTING, State.RUNNING})


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """How a process is.

    Attributes:
        pid: None when it has none.
        started_at: of its last start; None before the first.
        restarts: starts after the first since it was added.
        exit_status: of its last end, negative for a signal; None when it never ended.
        crashes: ends in a row that nobody asked for, none of them after it had lived for a minute.
        crashing_since: the first of these; None when there are none.
        can_restart: what it would be started again from is there.
    """

    name: str
    pid: int | None
    state: State
    started_at: datetime | None
    restarts: int
    exit_status: int | None
    crashes: int = 0
    crashing_since: datetime | None = None
    can_restart: bool = True

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it runs and nothing will, unless somebody starts it."""
        return self.state in _OVER

    @property
    def is_up(self) -> bool:
        """Whether it runs, and nobody has told it to stop."""
        return self.state in _UP
