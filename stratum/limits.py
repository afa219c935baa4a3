"""What a git that reads what others have sent may use: memory, processor, disk and time.

Set from outside, right after the start and before a byte of the request is fed: what git starts
itself inherits them (setrlimit(2)). Four calls take 4 µs, a program in between a millisecond.
"""

import resource
from contextlib import suppress
from dataclasses import dataclass

from stratum.settings import Settings

CPU_GRACE_S = 5  # from SIGXCPU, which names the reason in the log, to SIGKILL
_DEFAULT = Settings()


@dataclass(frozen=True, slots=True)
class Limits:
    """Of each process of one request, but for the time, which is the request's.

    Attributes:
        memory_bytes: anonymous memory. Not the address space: git maps whole packs, and their pages
            are the kernel's to take back.
        file_bytes: one file. A pack grows by what its deltas are based on, so it is twice the
            largest push.
    """

    memory_bytes: int = _DEFAULT.git_memory_bytes
    cpu_s: int = _DEFAULT.git_cpu_s
    file_bytes: int = 2 * _DEFAULT.max_push_bytes
    timeout_s: int = _DEFAULT.git_timeout_s

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Take them from the settings."""
        return cls(
            settings.git_memory_bytes, settings.git_cpu_s, 2 * settings.max_push_bytes, settings.git_timeout_s
        )

    def apply(self, pid: int) -> None:
        """Bind a child and all that it will start; one that has ended already is let be."""
        with suppress(ProcessLookupError):
            for kind, soft, hard in (
                (resource.RLIMIT_DATA, self.memory_bytes, self.memory_bytes),
                (resource.RLIMIT_CPU, self.cpu_s, self.cpu_s + CPU_GRACE_S),
                (resource.RLIMIT_FSIZE, self.file_bytes, self.file_bytes),
                (resource.RLIMIT_CORE, 0, 0),
            ):
                _lower(pid, kind, soft, hard)


def _lower(pid: int, kind: int, soft: int, hard: int) -> None:
    """Set a limit, but not above the one that this process lives under."""
    _, ours = resource.getrlimit(kind)
    if ours != resource.RLIM_INFINITY:
        soft, hard = min(soft, ours), min(hard, ours)
    resource.prlimit(pid, kind, (soft, hard))
