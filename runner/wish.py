"""What one app should be: a value that `runner.apply.wish` works out and the engine reads."""

from collections.abc import Mapping
from dataclasses import dataclass

from runner.plan import Process, known
from stratum.model import App, Release
from stratum.store.sites import Served


@dataclass(frozen=True, slots=True)
class Wish:
    """The wished state of one app; without a release nothing should run.

    Attributes:
        variables: the app's own, in clear.
        site: what the router serves by itself, in place of processes.
    """

    app: App
    release: Release | None
    processes: tuple[Process, ...]
    variables: Mapping[str, str]
    site: Served | None = None

    def targets(self) -> set[str]:
        """Name the targets that have processes."""
        return {process.target for process in self.processes}

    def staying(self) -> set[int]:
        """Versions of the older releases of which processes stand in for the release's own."""
        versions = {known(process.name).version for process in self.processes}
        return versions - ({self.release.version} if self.release else set())

    def routed(self) -> list[str]:
        """Name the processes that the router should send requests to."""
        return [process.name for process in self.processes if process.port]
