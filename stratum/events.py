"""What became of an app's processes: one change of one of them, and how an engine's file says it. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from stratum.processes import ended

# Bounded, since a disk may hold anything: what passes can be written into the database and as JSON.
_PROCESS = r"(?:[^.\t]{1,63}\.){2}v[0-9]{1,9}\.[^.\t]{1,63}\.[0-9]{1,5}"
_LINE = re.compile(
    rf"([0-9]{{1,16}})\t([0-9]{{1,11}}(?:\.[0-9]{{1,6}})?)\t({_PROCESS})\t([a-z-]{{1,16}})"
    r"\t([0-9]{1,10})\t(-?[0-9]{1,3})?\t([0-9]{1,9}(?:\.[0-9]{1,6})?)"
)


class Kind(StrEnum):
    """What happened."""

    STARTED = "started"
    NOT_STARTED = "not-started"  # no process could be made
    EXITED = "exited"  # by itself, whatever its exit status
    CRASH_LOOPING = "crash-looping"  # with this end it is; told once in a row of ends
    HELD_BACK = "held-back"  # it writes more than is read; told every ten minutes at most
    STOPPING = "stopping"  # it was told to
    STOPPED = "stopped"  # as it was told to
    LOST = "lost"  # supervisord was killed, and nobody saw how it ended


_SAID = {
    Kind.STARTED: "started (pid {0.pid})",
    Kind.NOT_STARTED: "could not be started",
    Kind.CRASH_LOOPING: "is crash-looping",
    Kind.HELD_BACK: "writes more than 16 MiB a second, and is held back",
    Kind.LOST: "lost with its supervisor: how it ended was not seen",
    Kind.STOPPING: "told to stop after {0.lived_s:.1f} s",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One change of a process's state.

    Attributes:
        number: names it among those of its app, and grows from one to the next; the engine gives it.
        process: its name, `<env>.<app>.v<release>.<target>.<index>`.
        exit_status: negative for a signal; None where nothing has ended.
        lived_s: how long it had lived.
    """

    number: int
    at: datetime
    process: str
    kind: Kind
    pid: int | None
    exit_status: int | None
    lived_s: float

    @property
    def target(self) -> str:
        """Of which target the process is."""
        return self.process.rsplit(".", 2)[1]

    @property
    def message(self) -> str:
        """Say it in words."""
        if self.kind in _SAID:
            return _SAID[self.kind].format(self)
        if self.exit_status is None:
            return "stopped while it waited for its next start"
        said = "ended by itself" if self.kind is Kind.EXITED else "stopped"
        return f"{said} ({ended(self.exit_status)}) after {self.lived_s:.1f} s"


def parse(line: str) -> Event | None:
    """Read a line; None where it is none of ours, or cut."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    number, at, process, kind, pid, exit_status, lived_s = found.groups()
    try:
        return Event(
            int(number),
            datetime.fromtimestamp(float(at), UTC),
            process,
            Kind(kind),
            int(pid) or None,
            int(exit_status) if exit_status else None,
            float(lived_s),
        )
    except (ValueError, OverflowError, OSError):
        return None
