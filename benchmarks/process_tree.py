"""The memory of a process and all below it, sampled while something happens."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

REST_S = 1.0
PAUSE_S = 0.005  # besides the 18 ms that reading takes


@dataclass
class Growth:
    """What came of it, in MiB of proportional set size (PSS): shared pages count once.

    Attributes:
        samples: taken while it happened, in `seconds`.
    """

    before: float = 0.0
    samples: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def grown(self) -> float:
        """The most of all samples, more than before."""
        return max(self.samples) - self.before

    @property
    def rate(self) -> float:
        """Samples a second."""
        return len(self.samples) / self.seconds


def growth(root: int, what: Callable[[], object]) -> Growth:
    """Sample the tree of a process at rest, then while `what` runs."""
    found, stop = Growth(), threading.Event()
    found.before = median(_pss(root) for _ in range(int(REST_S / PAUSE_S)) if not stop.wait(PAUSE_S))
    sampler = threading.Thread(target=_sample, args=(root, found.samples, stop))
    start = time.monotonic()
    sampler.start()
    try:
        what()
    finally:
        found.seconds = time.monotonic() - start
        stop.set()
        sampler.join()
    return found


def _sample(root: int, samples: list[float], stop: threading.Event) -> None:
    samples.append(_pss(root))
    while not stop.wait(PAUSE_S):
        samples.append(_pss(root))


def _pss(root: int) -> float:
    return sum(_own_pss(pid) for pid in _tree(root))


def _own_pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def _tree(pid: int) -> Iterator[int]:
    """List a process and all below it; each of its threads has children of its own (proc_pid_task)."""
    yield pid
    try:
        lists = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in " ".join(lists).split():
        yield from _tree(int(child))
