"""Under what the builds of this instance run: the fences there are, the way out, and the limits."""

import os
import re
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import stratum
from stratum.door.fencing import calls, fences, home
from stratum.door.fencing.fences import Fences
from stratum.door.fencing.view import View
from stratum.door.limits.limits import Limits
from stratum.door.wayout import rules
from stratum.door.wayout.rules import Rules
from stratum.layout import Layout
from stratum.settings import Settings, inherited_environ

# Our packages of which a build may need something: the steps' programs.
_COUNTS_BY_NAMESPACE = (5, 14)  # from this Linux on RLIMIT_NPROC is one of a user namespace
_PACKAGES = ("stratum", "builder")


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms for every step; made once in a server.

    Attributes:
        limits: what each step may use.
        shown: folders of the host, besides the system's, that steps may read.
        private: of the account that steps share with us, what they may not.
    """

    fences: Fences
    rules: Rules
    limits: Limits
    shown: tuple[Path, ...]
    private: tuple[Path, ...] = ()

    @classmethod
    def read(cls, layout: Layout, settings: Settings | None = None) -> Self:
        """Read the settings, and what was found at the start; what was not is tried now."""
        chosen = settings or Settings.from_env()
        found = fences.read(layout.fences)
        ruled = Rules.read(chosen.build_hosts, inherited_environ(*rules.VARIABLES))
        limits = Limits(chosen.build_memory_bytes, chosen.build_processes, chosen.build_disk_bytes)
        shown = (*_install(), *_certificates(), *ruled.folders)
        return cls(found or _try(), ruled, limits, shown, home.private(home.of_account(), shown))

    def view(self, layout: Layout, own: tuple[Path, ...]) -> View:
        """What a step sees of the host.

        Args:
            own: folders that it may write to.
        """
        stage = layout.door_socket.parent  # nothing in there is for a step
        has_own = fences.PROCESSES in self.fences.standing
        return View(stage, layout.data, self.shown, own, has_own, self.private)

    def refused(self) -> bytes:
        """The filter of system calls for steps; empty where there is none."""
        has_none = fences.FILTER in self.fences.missing or calls.missing()
        return b"" if has_none else calls.filter_()

    def rlimits(self) -> tuple[tuple[int, int], ...]:
        """What the kernel keeps a step to by itself; it counts the dead, too, so the watch comes first."""
        files = (resource.RLIMIT_FSIZE, self.limits.disk_bytes)
        if self.fences.bwrap or (
            self.fences.as_user and _kernel() < _COUNTS_BY_NAMESPACE
        ):  # it would count all that we run
            return (files,)
        return (files, (resource.RLIMIT_NPROC, 2 * self.limits.processes))


def _kernel() -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])


def _install() -> tuple[Path, ...]:
    """Where Stratum's own interpreter, its environment, and what builds run of it are; links and all."""
    root = Path(stratum.__file__).parent.parent
    paths = (Path(sys.prefix), Path(sys.base_prefix), *(root / name for name in _PACKAGES))
    return (*paths, *(path.resolve() for path in paths))


def _certificates() -> tuple[Path, ...]:
    """What the server trusts instead of the system's authorities."""
    named = inherited_environ("SSL_CERT_FILE", "SSL_CERT_DIR").values()
    return tuple(Path(path).resolve() for path in named if path.startswith("/"))


def _try() -> Fences:
    from stratum.door.fencing import (
        trial,  # with what it needs, a megabyte that a server seldom has a use for
    )

    return trial.find()
