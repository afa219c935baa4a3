"""Whether what a cache holds is whole, though a driver, or the server itself, may be gone in the midst of it.

A mark stands in the cache from before buildpacks work with it until all is on the disk, which is when the
slug is: the step `close` empties it. A server that went down before has lost what its disk did not have
yet, and file systems keep names of files before what is in them.
"""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

MARK = ".unsynced"  # as in `stratum.door.steps`
_BOOT = Path("/proc/sys/kernel/random/boot_id")  # random(4): another one for each start of the machine


class Unsynced(NamedTuple):
    """The mark of one cache.

    Attributes:
        path: where it is.
        since: the boot in which it was made; empty where all is on the disk.
        boot: this one.
    """

    path: Path
    since: str
    boot: str

    @classmethod
    def of(cls, cache: Path) -> "Unsynced":
        """Look at it."""
        return cls(cache / MARK, _text(cache / MARK), _text(_BOOT))

    @property
    def is_lost(self) -> bool:
        """Whether files of the cache may be empty."""
        return bool(self.since) and self.since != self.boot

    def begin(self) -> None:
        """Set it; a full disk says so to whoever needs it next."""
        with suppress(OSError):
            self.path.write_text(f"{self.boot}\n", encoding="ascii")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
