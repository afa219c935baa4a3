"""The limits themselves, and how they are said. Pure."""

from dataclasses import dataclass
from typing import Final

from stratum.sizes import shown

MEMORY: Final = "memory"
PROCESSES: Final = "processes"
DISK: Final = "disk"
SETTINGS = {
    MEMORY: "STRATUM_BUILD_MEMORY_BYTES",
    PROCESSES: "STRATUM_BUILD_PROCESSES",
    DISK: "STRATUM_BUILD_DISK_BYTES",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one step may use.

    Attributes:
        memory_bytes: of all its processes together, what they share counted once.
        processes: at once, threads counted.
        disk_bytes: in the build's folder and the app's cache together, and of one file.
    """

    memory_bytes: int
    processes: int
    disk_bytes: int

    def broken(self, name: str) -> tuple[str, str]:
        """Say which limit a step has gone over, and name the setting of it."""
        used = {
            MEMORY: f"it used more than {shown(self.memory_bytes)} of memory",
            PROCESSES: f"it had more than {self.processes} processes and threads at once",
            DISK: f"it filled more than {shown(self.disk_bytes)} of disk, the app's cache included "
            "(a file counts as its inode's share of the disk at least, which is 16 KiB or less)",
        }
        return f"{used[name]}, and was ended.", SETTINGS[name]
