"""What an applier works with: the instance, its database, and the parts it talks to.

The protocols name what is used of each part, so that tests can put fakes in their place.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from runner.engines.choice import engine_of
from runner.engines.engine import Engine
from runner.router.switch import PATIENCE_S, Router
from stratum.door.client import Door
from stratum.instance import Instance
from stratum.model import App
from stratum.store import Database
from stratum.store.sites import Served


class Switch(Protocol):
    """The router (`runner.router.switch.Router`)."""

    def route(
        self,
        app: App,
        processes: Collection[str],
        *,
        site: Served | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Send an app's requests to these processes and no other, or answer them from a site."""

    def ensure(self) -> None:
        """See that the router has the routes that are recorded."""


class Keeper(Protocol):
    """What only root can see or do (`stratum.door.client.Door`)."""

    def established(self, port: int) -> int:
        """Count the connections to a port."""

    def open_release(self, app_id: int, version: int, digest: str, mounts: Mapping[str, str]) -> str:
        """Make the folders of an app and of a release of it; return why not."""

    def settle_releases(self) -> None:
        """Have the folders of releases on disk."""

    def release_versions(self) -> dict[int, set[int]]:
        """App id → versions of whose releases there is a folder."""

    def keep_releases(self, app_id: int, versions: Collection[int]) -> None:
        """Take the folders of all other releases of an app out of the way."""

    def erase_releases(self, app_id: int) -> None:
        """Erase what was taken out of the way."""

    def publish_site(self, app_id: int, version: int, digest: str) -> tuple[str, str]:
        """Make the folder of a release's site; return what the slug says of it, and why not."""

    def keep_sites(self, app_id: int, versions: Collection[int]) -> None:
        """Take the sites of all other releases of an app out of the way."""

    def sweep(self, app_id: int) -> bool:
        """Take scratch of an app's builds out of the way; return whether all of it is erased."""

    def erase_left(self, app_id: int) -> object:
        """Erase what was set aside of an app's builds, as far as that takes seconds."""

    def destroy(self, app_id: int) -> None:
        """End an app's processes and remove its folders."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one instance, opened once in each process."""

    instance: Instance
    database: Database
    engine: Engine
    door: Keeper
    router: Switch

    @classmethod
    def open(cls) -> Self:
        """Open the instance that the environment names.

        Raises:
            Unavailable: there is none.
        """
        return cls.of(Instance.open())

    @classmethod
    def of(cls, instance: Instance) -> Self:
        """Take the real parts of an instance."""
        database = Database.open(instance.layout.database)
        door = Door(instance.layout, instance.fence)
        return cls(instance, database, engine_of(instance, database, door), door, Router(instance, database))

    def apply_lock(self, app_id: int) -> Path:
        """Lock file of whoever changes an app's processes."""
        return self.instance.layout.locks / f"apply-{app_id}"

    def build_lock(self, app_id: int) -> Path:
        """Lock file of whoever builds an app."""
        return self.instance.layout.locks / f"build-{app_id}"
