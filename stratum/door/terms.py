"""Under what the builds of this instance run: the fences there are, the way out, and the limits."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import stratum
from stratum.door.fencing import fences
from stratum.door.fencing.fences import Fences
from stratum.door.fencing.view import View
from stratum.door.wayout import rules
from stratum.door.wayout.rules import Rules
from stratum.layout import Layout
from stratum.settings import Settings, inherited_environ

# Our packages of which a build may need something: the steps' programs.
_PACKAGES = ("stratum", "builder")


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms for every step; made once in a server.

    Attributes:
        shown: folders of the host, besides the system's, that steps may read.
    """

    fences: Fences
    rules: Rules
    shown: tuple[Path, ...]

    @classmethod
    def read(cls, layout: Layout, settings: Settings | None = None) -> Self:
        """Read the settings, and what was found at the start; what was not is tried now."""
        chosen = settings or Settings.from_env()
        found = fences.read(layout.fences)
        ruled = Rules.read(chosen.build_hosts, inherited_environ(*rules.VARIABLES))
        return cls(_try() if found is None else found, ruled, (*_install(), *ruled.folders))

    def view(self, layout: Layout, own: tuple[Path, ...]) -> View:
        """What a step sees of the host.

        Args:
            own: folders that it may write to.
        """
        stage = layout.door_socket.parent  # nothing in there is for a step
        return View(stage, layout.data, self.shown, own, fences.PROCESSES in self.fences.standing)


def _install() -> tuple[Path, ...]:
    """Where Stratum's own interpreter, its environment, and what builds run of it are."""
    root = Path(stratum.__file__).parent.parent
    return (Path(sys.prefix), Path(sys.base_prefix), *(root / name for name in _PACKAGES))


def _try() -> Fences:
    from stratum.door.fencing import (
        trial,  # with what it needs, a megabyte that a server seldom has a use for
    )

    return trial.find()
