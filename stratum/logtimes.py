"""When what stands in a process's log was written, as supervisord's plugin has marked it beside the log.

A mark says from which byte on it was written when, at most one a second; after a mebibyte of them one a
minute (`runner/engines/supervisord/output.py`).
"""

import re
import struct
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stratum.errors import InvalidTime

_MARK = struct.Struct("<II")
_SPAN_S = 1  # what a mark begins may have been written so much later
_AGO = re.compile(r"([0-9]{1,9})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def since(text: str, now: datetime) -> datetime:
    """Read a time: `10m`, `2h` or `3d` before now, or ISO 8601 (UTC where it names no zone).

    Raises:
        InvalidTime: it is neither.
    """
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidTime(text) from error


def offset_since(log: Path, at: datetime) -> int | None:
    """From which byte on a log holds what was written since a time, or a little before; None: nothing."""
    marks = _marks(log)
    second = at.timestamp() - _SPAN_S
    try:
        status = log.stat()
    except OSError:
        return None
    if not marks:
        return 0 if status.st_mtime >= second else None
    nth = bisect_left(marks, second, key=lambda mark: mark[1])
    if nth == len(marks):
        # One set long ago may begin what was written since: marks are seldom once there are many.
        return marks[-1][0] if status.st_mtime >= second else None
    return marks[nth][0] if nth else 0


def _marks(log: Path) -> Sequence[tuple[int, int]]:
    try:
        data = log.with_name(f"{log.name}.times").read_bytes()
    except OSError:
        return ()
    whole = len(data) - len(data) % _MARK.size
    return list(_MARK.iter_unpack(data[:whole]))
