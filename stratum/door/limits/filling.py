"""How much of the disk trees take, counted piece by piece beside other work.

A file counts as the part of the disk that its inode is, at least: a build whose files are empty would
else take all inodes, and no other could make a file.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from stratum.door.limits.descent import Descent

_BLOCK = 512  # unit of st_blocks, whatever the file system's own (stat(2))
_MOST_OF_INODE = 16 << 10  # ext4 makes one for so much of the disk (mke2fs.conf(5), inode_ratio)
_SHARE = 20  # a count rests this many times as long as it took
_REST_S = 1.0
_GROWN_SHARE = 32  # of the limit: what may have come between the last count and the end unseen
_AT_END_S = 20.0


class Filling:
    """Counts again and again; what cannot be looked at is left out. A link is not followed."""

    def __init__(self, folders: tuple[Path, ...], beside: Callable[[], int] = lambda: 0) -> None:
        """Take the folders.

        Args:
            beside: tells what else takes room on the disk, in bytes; asked as a round begins.
        """
        self._folders, self._beside = folders, beside
        self._inode = _inode_bytes(folders)
        self._used_before = self._used()
        self._descent = Descent(())
        self._walk: Iterator[os.stat_result] | None = None
        self._sum = 0
        self._worked_s = 0.0
        self._again = 0.0

    def close(self) -> None:
        """Let go of a round that has not come to its end."""
        self._walk = None
        self._descent.close()

    def is_above(self, limit_bytes: int, budget_s: float) -> bool:
        """Count on for a while; whether what was counted in this round is more than the limit."""
        begun = time.monotonic()
        if begun < self._again:
            return False
        if self._walk is None:
            self._begin()
        for found in self._walk or ():
            self._sum += max(found.st_blocks * _BLOCK, self._inode)
            if self._sum > limit_bytes:
                break
            if time.monotonic() - begun > budget_s:
                self._worked_s += time.monotonic() - begun
                return False
        self.close()
        if self._sum > limit_bytes:
            return True
        now = time.monotonic()
        self._again = now + max(_REST_S, (self._worked_s + now - begun) * _SHARE)
        return False

    def is_above_at_end(self, limit_bytes: int) -> bool:
        """Whether it is more than the limit now; counted only if the disk has filled since we were made.

        Counting at the end of every step would take longer than most steps.
        """
        if self._used() - self._used_before < limit_bytes // _GROWN_SHARE:
            return False
        self.close()
        self._again = 0.0
        return self.is_above(limit_bytes, _AT_END_S)

    def has_file_of(self, size_bytes: int) -> bool:
        """Whether there is a file as long as this, or longer."""
        descent = Descent(self._folders)
        try:
            return any(stat.S_ISREG(found.st_mode) and found.st_size >= size_bytes for found in descent)
        finally:
            descent.close()

    def _begin(self) -> None:
        self._descent = Descent(self._folders)
        self._walk, self._sum, self._worked_s = iter(self._descent), self._beside(), 0.0

    def _used(self) -> int:
        """Tell how much of the folders' disk is taken, by whomever, and of its inodes: grows with either."""
        disk = _disk(self._folders)
        if disk is None:
            return 0
        return (disk.f_blocks - disk.f_bfree) * disk.f_frsize + (disk.f_files - disk.f_ffree) * self._inode


def taken(path: Path) -> int:
    """Count once what one thing takes of the disk, with all that is below it."""
    inode = _inode_bytes((path.parent,))
    descent = Descent((path,))
    try:
        return sum(max(found.st_blocks * _BLOCK, inode) for found in (path.lstat(), *descent))
    finally:
        descent.close()


def _inode_bytes(folders: tuple[Path, ...]) -> int:
    """Tell how much of the disk goes with each of its inodes; none where they have no limit (btrfs)."""
    disk = _disk(folders)
    if disk is None or not disk.f_files:
        return 0
    return min(disk.f_blocks * disk.f_frsize // disk.f_files, _MOST_OF_INODE)


def _disk(folders: tuple[Path, ...]) -> os.statvfs_result | None:
    for folder in folders:
        with suppress(OSError):
            return os.statvfs(folder)
    return None
