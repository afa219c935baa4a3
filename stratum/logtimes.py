"""When what stands in a process's log was written, as supervisord's plugin has marked it beside the log.

A mark says from which byte on it was written when, at most one a second; after a mebibyte of them one a
minute (`runner/engines/supervisord/output.py`).
"""

import re
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stratum.errors import InvalidTime

_MARK_BYTES = 8  # two numbers of four, the lower bytes first
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
    offsets, seconds = _marks(log)
    second = at.timestamp() - _SPAN_S
    try:
        status = log.stat()
    except OSError:
        return None
    if not offsets:
        return 0 if status.st_mtime >= second else None
    nth = bisect_left(seconds, second)
    if nth == len(seconds):
        # One set long ago may begin what was written since: marks are seldom once there are many.
        return offsets[-1] if status.st_mtime >= second else None
    return offsets[nth] if nth else 0


def times_of(log: Path, ends: Iterable[int]) -> list[datetime | None]:
    """Tell when bytes of a log were written, to the second; None where nothing says so."""
    offsets, seconds = _marks(log)
    nths = [bisect_right(offsets, end) - 1 for end in ends]
    return [datetime.fromtimestamp(seconds[nth], UTC) if nth >= 0 else None for nth in nths]


def _marks(log: Path) -> tuple["array[int]", "array[int]"]:
    """Read from which bytes on, and when."""
    numbers = array("I")
    try:
        data = log.with_name(f"{log.name}.times").read_bytes()
    except OSError:
        data = b""
    numbers.frombytes(data[: len(data) - len(data) % _MARK_BYTES])
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers[::2], numbers[1::2]
