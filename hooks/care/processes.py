"""Which processes are at work in which repository, by their working directory.

Every git that receives, every git that tends, and all that they start, have the repository as working
directory. Source: proc(5); those of other users cannot be seen, and none of them is our git.
"""

import logging
import os
import select
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stratum.ownership import process_name

log = logging.getLogger(__name__)

MARK = "STRATUM_UPKEEP"  # in the environment of gits that tend, and of all that they start
KILLED_WITHIN_MS = 5000


@dataclass(frozen=True, slots=True)
class Worker:
    """A process in a repository.

    Attributes:
        name: `pid:starttime`.
        tends: it belongs to an upkeep; else a request or a person has started it.
    """

    pid: int
    name: str
    repo: Path
    tends: bool


def at_work(repos: Path) -> list[Worker]:
    """List the processes that work in a repository of a folder, or deeper in it.

    Args:
        repos: the folder of all repositories, without links on its way.
    """
    return [
        Worker(pid, process_name(pid), repos / folder.relative_to(repos).parts[0], _tends(pid))
        for pid, folder in _working_directories()
        if repos in folder.parents
    ]


def end_upkeep(workers: list[Worker]) -> None:
    """Kill those that tend and see them gone: what a killed web process had begun must not meet a push."""
    for worker in workers:
        if worker.tends:
            log.warning("ending process %d, an upkeep of %s that was left", worker.pid, worker.repo.name)
            _kill(worker.pid)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.poll(KILLED_WITHIN_MS)
        finally:
            os.close(descriptor)


def _tends(pid: int) -> bool:
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(variable.startswith(f"{MARK}=".encode()) for variable in variables)


def _working_directories() -> Iterator[tuple[int, Path]]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                yield int(process.name), (process / "cwd").readlink()
            except OSError:  # ended, or another user's
                continue
