"""End processes, all of them: what a step left behind, all of a uid, or a set that was looked up."""

import os
import select
import signal
import time
from collections.abc import Callable, Iterable

from stratum.door import proc, spawn

LIMIT_S = 20.0
_ROUND_MS = 5
_TRIES = 100
_LOOKS_AGAIN = 2


class WillNotEnd(Exception):
    """Processes are still there after LIMIT_S of killing, in uninterruptible sleep most likely."""


def end_descendants() -> None:
    """End and reap every descendant of this process, which must have called `adopt_orphans`.

    A descendant cannot escape: when its parent ends, it becomes our child. Done when we have none.
    """
    deadline = time.monotonic() + LIMIT_S
    while _has_children():
        processes = proc.snapshot()
        _stop_and_kill(processes[pid] for pid in proc.descendants(processes, os.getpid()))
        if time.monotonic() > deadline:
            raise WillNotEnd
        select.poll().poll(_ROUND_MS)


def end_uid(uid: int) -> None:
    """Kill every process of a uid at once, from within a child that has become this uid.

    Source: kill(2), pid -1: all we may signal, but not ourselves. Those killed could kill the child
    first, hence the tries.
    """
    for _ in range(_TRIES):
        pid = os.fork()
        if pid == 0:
            _kill_all_as(uid)
        if os.waitpid(pid, 0)[1] == 0:
            return
    raise WillNotEnd


def await_none(uid: int) -> None:
    """Wait until no process of a uid is left, after `end_uid`."""
    deadline = time.monotonic() + LIMIT_S
    while proc.snapshot(lambda found: found == uid):
        if time.monotonic() > deadline:
            raise WillNotEnd
        select.poll().poll(_ROUND_MS)


def end_found(find: Callable[[], list[proc.Process]]) -> list[proc.Process]:
    """Kill what a search finds, until it finds nothing; returns all that was killed.

    Where there was something, it looks again: one that was just forking may have been missed.
    """
    ended: dict[proc.Key, proc.Process] = {}
    deadline = time.monotonic() + LIMIT_S
    looks_left = 1
    while looks_left:
        found = find()
        ended.update((process.key, process) for process in found)
        _stop_and_kill(found)
        looks_left = _LOOKS_AGAIN if found else looks_left - 1
        if time.monotonic() > deadline:
            raise WillNotEnd
        if looks_left:
            select.poll().poll(_ROUND_MS)
    return list(ended.values())


def _stop_and_kill(processes: Iterable[proc.Process]) -> None:
    """Stop all before killing the first, so that none forks because another ended."""
    victims = list(processes)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for victim in victims:
            proc.send(victim, number)


def _has_children() -> bool:
    """Reap what has ended and tell whether any child is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _kill_all_as(uid: int) -> None:
    code = 1
    try:
        spawn.become(uid)
        if os.getresuid() == (uid, uid, uid):
            os.kill(-1, signal.SIGKILL)
            code = 0
    finally:
        os._exit(code)
