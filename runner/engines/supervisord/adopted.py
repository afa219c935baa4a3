"""Orphans of the apps that supervisord has adopted. Loaded into supervisord, used when unfenced.

A process that forks twice, in a new session, with an empty environment, is of nobody: no parent, no
group, no mark tells whose it was. Fenced, its uid does. Unfenced, supervisord becomes the parent of
all orphans below it (prctl(2), PR_SET_CHILD_SUBREAPER), and whatever it did not start itself and
carries no mark is ended when a section ends.
"""

import os
import signal
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

MARK = b"STRATUM_PROCESS="  # set by the launcher; what carries it is the door's to judge


def adopt() -> None:
    """Become the parent of every orphan below us."""
    from stratum.door import prctl  # brings ctypes along, 1 MB that a fenced supervisord does without

    prctl.adopt_orphans()


def end(started: Container[int]) -> None:
    """End adopted processes without a mark, with their groups.

    Args:
        started: pids that supervisord has started itself.
    """
    for pid in _children():
        if pid not in started and not _is_marked(pid):
            _kill(pid)


def _children() -> list[int]:
    own = os.getpid()
    try:
        return [int(pid) for pid in Path(f"/proc/{own}/task/{own}/children").read_text().split()]
    except OSError:  # a kernel without CONFIG_PROC_CHILDREN
        return []


def _is_marked(pid: int) -> bool:
    try:
        return MARK in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # it ended meanwhile
        return True


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        group = os.getpgid(pid)
        if group != os.getpgrp():
            os.killpg(group, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
