"""What every build needs: the instance and the ways to its database, its door and its queue."""

from dataclasses import dataclass
from typing import Self

from stratum.door.client import Door
from stratum.instance import Instance
from stratum.queue import Nudges
from stratum.settings import Settings
from stratum.store import Database


@dataclass(frozen=True, slots=True)
class Workshop:
    """Made once in the builder and shared by its forks, which forget its connections."""

    instance: Instance
    db: Database
    door: Door
    nudges: Nudges

    @classmethod
    def open(cls, settings: Settings | None = None) -> Self:
        """Open the instance that STRATUM_DATA names.

        Raises:
            Unavailable: there is none.
        """
        instance = Instance.open(settings)
        layout = instance.layout
        door = Door(layout, instance.fence)
        return cls(instance, Database.open(layout.database), door, Nudges(instance.redis_url))
