"""Changing an app's variables.

In two steps, because sealing reads the key file and no transaction waits for a file: the caller
unseals, computes `edited`, seals, and records that only if the configuration is still the one it read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from stratum.model import App
from stratum.store import Transaction, releases
from stratum.variables import checked_variables
from stratum.verbs.change import Change, check_queue
from stratum.verbs.release import release_again


@dataclass(frozen=True, slots=True)
class Edit:
    """What to set and what to unset; a name in both is set."""

    set: Mapping[str, str]
    unset: tuple[str, ...] = ()

    def apply(self, variables: Mapping[str, str]) -> Mapping[str, str]:
        """Return the edited variables. Pure.

        Raises:
            InvalidVariable: they could not be given to a process.
        """
        kept = {name: value for name, value in variables.items() if name not in self.unset}
        return checked_variables({**kept, **self.set})

    @property
    def cause(self) -> str:
        """Say which names changed, never the values."""
        parts = [f"set {', '.join(self.set)}"] if self.set else []
        gone = [name for name in self.unset if name not in self.set]
        return "config: " + "; ".join([*parts, *([f"unset {', '.join(gone)}"] if gone else [])])


def record(tx: Transaction, app: App, ciphertext: bytes, cause: str, *, who: str) -> Change:
    """Record a new configuration, with a release of it where something is released already.

    Raises:
        Conflict: too many changes wait already.
    """
    version = releases.add_config(tx, app.id, ciphertext)
    wished = releases.wished_release(tx, app.id)
    if wished is None:
        return Change(changed=True, message="The first release will have it.")
    check_queue(tx, app)
    return release_again(tx, replace(wished, config_version=version), cause=cause, who=who)
