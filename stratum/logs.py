"""The operators' log of our own processes: one line an event, to stderr, which supervisord keeps."""

import logging
import sys
from types import TracebackType
from typing import TypeAlias

from stratum.excerpt import on_one_line

_Error: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_FORM = "%(asctime)s {part}[%(process)d] %(levelname)s %(name)s: %(message)s"


class _OneLine(logging.Formatter):
    """Shows what would break a line, or steer a terminal, by its code: clients and programs choose words."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # a trace follows it
        return on_one_line(super().formatMessage(record))

    def formatException(self, ei: _Error) -> str:  # its words may be a client's, too: no line looks like ours
        return "\n".join(f"    {on_one_line(line)}" for line in super().formatException(ei).splitlines())


def configure(part: str) -> None:
    """Set logging up once in a process.

    Args:
        part: name of the process in each line: web, work, door.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(_FORM.format(part=part)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
