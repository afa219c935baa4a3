"""Ending a program and what it has started, in the order in which git tidies up.

A `git receive-pack` that is ended by a signal leaves its quarantine folder behind; one whose
`index-pack` is ended removes it and reports the failure (git 2.39, tests/integration/
test_git_disconnect.py). So the children come first.
"""

import os
import select
import signal
from contextlib import suppress
from pathlib import Path

TERM_GRACE_S = 2.0


def ends_within(pid: int, seconds: float) -> bool:
    """Wait for the end of a child, without reaping it: to the moment, where Popen.wait sleeps in steps."""
    descriptor = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(descriptor)


def end_children(pid: int, number: int = signal.SIGTERM) -> None:
    """Signal what a program has started itself; nothing where the kernel does not list it (proc(5))."""
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(child), number)


def end_group(pid: int) -> None:
    """End a program that leads a group, and the whole of it: children first, then all, at last by SIGKILL.

    It must not have been reaped, so that its group's number is its own.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        end_children(pid, number)
        if ends_within(pid, TERM_GRACE_S):
            break
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(pid, number)
        ends_within(pid, TERM_GRACE_S)
