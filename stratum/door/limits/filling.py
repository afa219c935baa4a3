"""How much of the disk trees take, counted piece by piece beside other work."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 512  # unit of st_blocks, whatever the file system's own (stat(2))
_SHARE = 20  # a count rests this many times as long as it took
_REST_S = 1.0


class Filling:
    """Counts again and again; what cannot be looked at is left out. A link is not followed."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = folders
        self._walk: Iterator[int] | None = None
        self._sum = 0
        self._worked_s = 0.0
        self._again = 0.0

    def is_above(self, limit_bytes: int, budget_s: float) -> bool:
        """Count on for a while; whether what was counted in this round is more than the limit."""
        begun = time.monotonic()
        if begun < self._again:
            return False
        if self._walk is None:
            self._walk, self._sum, self._worked_s = _sizes(self._folders), 0, 0.0
        for size in self._walk:
            self._sum += size
            if self._sum > limit_bytes:
                return True
            if time.monotonic() - begun > budget_s:
                self._worked_s += budget_s
                return False
        self._walk = None
        now = time.monotonic()
        self._again = now + max(_REST_S, (self._worked_s + now - begun) * _SHARE)
        return False


def _sizes(folders: tuple[Path, ...]) -> Iterator[int]:
    left = [str(folder) for folder in folders]
    while left:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    yield entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
        except OSError:  # gone, closed, or too deep
            continue
