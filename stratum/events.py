"""What became of an app's processes, as the plugin in supervisord has noted it beside their logs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from stratum.processes import ended

_FIELDS = 6
_NAME_PARTS = 5


class Kind(StrEnum):
    """What happened."""

    STARTED = "started"
    NOT_STARTED = "not-started"  # no process could be made
    EXITED = "exited"  # by itself, whatever its exit status
    CRASH_LOOPING = "crash-looping"  # with this end it is; told once in a row of ends
    HELD_BACK = "held-back"  # it writes more than is read; told every ten minutes at most
    STOPPED = "stopped"  # as it was told to


@dataclass(frozen=True, slots=True)
class Event:
    """One change of a process's state.

    Attributes:
        process: its name, `<env>.<app>.v<release>.<target>.<index>`.
        exit_status: negative for a signal; None where nothing has ended.
        lived_s: how long it had lived.
    """

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
        if self.kind is Kind.STARTED:
            return f"started (pid {self.pid})"
        if self.kind is Kind.NOT_STARTED:
            return "could not be started"
        if self.kind is Kind.CRASH_LOOPING:
            return "is crash-looping"
        if self.kind is Kind.HELD_BACK:
            return "writes more than 16 MiB a second, and is held back"
        if self.exit_status is None:
            return "stopped while it waited for its next start"
        said = "ended by itself" if self.kind is Kind.EXITED else "stopped"
        return f"{said} ({ended(self.exit_status)}) after {self.lived_s:.1f} s"


def last_events(file: Path, count: int, target: str | None = None) -> list[Event]:
    """Return the last changes, oldest first, of one target or of all."""
    found = [event for event in _events(file) if target in (None, event.target)]
    return found[-count:] if count else []


def parse(line: str) -> Event | None:
    """Read a line; None where it is none of ours, or cut."""
    fields = line.split("\t")
    if len(fields) != _FIELDS or len(fields[1].split(".")) != _NAME_PARTS:
        return None
    at, process, kind, pid, exit_status, lived_s = fields
    try:
        return Event(
            datetime.fromtimestamp(float(at), UTC),
            process,
            Kind(kind),
            int(pid) or None,
            int(exit_status) if exit_status else None,
            float(lived_s),
        )
    except (ValueError, OverflowError, OSError):
        return None


def _events(file: Path) -> Iterator[Event]:
    newest = _text(file)  # first: rotated meanwhile, it is read again below, and not missed
    older = _text(file.with_name(f"{file.name}.1"))
    text = older if older.startswith(newest) else f"{older}\n{newest}"
    yield from filter(None, map(parse, text.split("\n")))


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
