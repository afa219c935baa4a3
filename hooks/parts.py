"""What every part of a reception works with."""

from dataclasses import dataclass

from stratum.instance import Instance
from stratum.queue import Nudges
from stratum.store import Database


@dataclass(frozen=True, slots=True)
class Parts:
    """The instance, and ways to its database and its queue."""

    instance: Instance
    database: Database
    nudges: Nudges
