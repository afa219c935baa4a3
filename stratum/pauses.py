"""What rests until `stratum resume`, as people are told of it. Pure."""

from collections.abc import Iterable

from stratum.model import App, Formation, Release
from stratum.processes import Process

STATE = "paused"


def listed(targets: Iterable[str], formation: Formation) -> str:
    """Name targets with what they have when they are not paused: `web (2), worker (3)`."""
    return ", ".join(f"{target} ({formation.remembered(target)})" for target in targets)


def waiting_texts(formation: Formation, targets: Iterable[str]) -> list[str]:
    """Say what of a release is not started, if anything, for the log of its build."""
    waiting = [target for target in targets if target in formation.paused]
    return [f"Paused, not started: {listed(waiting, formation)}; stratum resume ends it"] if waiting else []


def resting(app: App, release: Release, formation: Formation) -> list[Process]:
    """Show the processes that come back, for `stratum ps`."""
    begin = f"{app.environment.name}.{release.app_name}.v{release.version}"
    return [
        Process(f"{begin}.{target}.{index}", target, index, None, None, release.version, STATE, None, 0)
        for target in release.process_names()
        if target in formation.paused
        for index in range(1, formation.remembered(target) + 1)
    ]
