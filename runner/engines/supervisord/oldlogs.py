"""Logs of processes that are no more: removed once they are old, or take too much. Loaded into supervisord.

Only root may remove them. A process that there is keeps its own three files of 10 MB, whatever else there is.
"""

import os
import time
from collections.abc import Container
from contextlib import suppress

MAX_BYTES = 100 * 1024 * 1024  # of an app
MAX_AGE_S = 30 * 24 * 3600.0
MAX_FILES = 1000  # of an app: names alone are room, too


def prune(folder: str, names: Container[str]) -> None:
    """Remove what is old of an app, the oldest first.

    Args:
        folder: the app's.
        names: of processes that there are.
    """
    room, files, oldest = MAX_BYTES, MAX_FILES, time.time() - MAX_AGE_S
    for modified_at, size, path in sorted(_former(folder, names), reverse=True):
        room, files = room - size, files - 1
        if room < 0 or files < 0 or modified_at < oldest:
            with suppress(OSError):
                os.unlink(path)  # noqa: PTH108 - Path costs supervisord memory that it does without


def _former(folder: str, names: Container[str]) -> list[tuple[float, int, str]]:
    found = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            name, is_log, _ = entry.name.rpartition(".log")  # the last: an app may be called `logger`
            if is_log and name not in names:
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    found.append((status.st_mtime, status.st_size, entry.path))
    return found
