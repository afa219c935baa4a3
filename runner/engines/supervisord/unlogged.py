"""Keeps supervisord running where its logs cannot be written. Loaded into supervisord.

What a handler of its own cannot write it prints to standard error (4.3.0, loggers.py, handleError), a file
on the same disk. On a full one that raises as well, as does a rotation, out of supervisord's loop: it would
end, and all that it runs with it. So what cannot be logged is lost, and that is told now and then.
"""

import os
import sys
import time
from contextlib import suppress
from typing import Any

from supervisor import loggers

TELL_EVERY_S = 60.0
_roll_over = loggers.RotatingFileHandler.doRollover
_told_at = float("-inf")


def install() -> None:
    """Have all logs of this process be kept so."""
    loggers.Handler.handleError = lambda handler: _lost(handler, sys.exc_info()[1])
    loggers.RotatingFileHandler.doRollover = _rolled_over


def _rolled_over(handler: Any) -> None:
    try:
        _roll_over(handler)
    except (OSError, ValueError) as error:  # the second for a file that is closed since the last try
        _lost(handler, error)
        if handler.stream.closed:
            with suppress(OSError):
                handler.stream = open(handler.baseFilename, "ab")  # noqa: SIM115, PTH123 - as supervisor does


def _lost(handler: Any, error: BaseException | None) -> None:
    global _told_at  # noqa: PLW0603 - of the whole process
    now = time.monotonic()
    if now - _told_at >= TELL_EVERY_S:
        _told_at = now
        name = getattr(handler, "baseFilename", "a log")
        _tell(f"stratum: what was to be written to {name} is lost: {error}\n")


def _tell(text: str) -> None:
    with suppress(OSError):
        os.write(2, text.encode())
