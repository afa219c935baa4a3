"""Which fences this host grants to builds: tried at a start, kept in a file, told by `stratum status`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stratum.door.fencing import kernel

VIEW, NETWORK, PROCESSES, IPC = "files", "network", "processes", "ipc"
FILTER = "filter of system calls"  # stands wherever nothing says that it is missing
FLAGS = {
    VIEW: kernel.NEW_VIEW,
    NETWORK: kernel.NEW_NETWORK,
    PROCESSES: kernel.NEW_PROCESSES,
    IPC: kernel.NEW_IPC,
}


@dataclass(frozen=True, slots=True)
class Fences:
    """What stands between a step and the host besides its uid.

    Attributes:
        standing: names of those that the kernel grants.
        missing: why the others are not there, by name.
        as_user: whether they take a user namespace, as for everybody but root.
        bwrap: path of bubblewrap where it alone may put them up, all of them; empty elsewhere.
    """

    standing: frozenset[str] = frozenset()
    missing: Mapping[str, str] = field(default_factory=dict)
    as_user: bool = False
    bwrap: str = ""

    @property
    def flags(self) -> int:
        """For unshare(2)."""
        flags = kernel.NEW_USER if self.as_user and self.standing else 0
        for name in self.standing:
            flags |= FLAGS[name]
        return flags


NONE = Fences()


def read(path: Path) -> Fences | None:
    """Read what was found at the start; None when nothing was written."""
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return Fences(frozenset(found["standing"]), found["missing"], found["as_user"], found["bwrap"])


def write(path: Path, found: Fences) -> None:
    """Keep what was found, replacing the file whole."""
    facts = {
        "standing": sorted(found.standing),
        "missing": dict(found.missing),
        "as_user": found.as_user,
        "bwrap": found.bwrap,
    }
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps(facts) + "\n")
    scratch.chmod(0o644)
    scratch.rename(path)
