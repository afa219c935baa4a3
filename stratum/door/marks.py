"""The variables by which processes of apps and of builds are known again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from stratum.door import owner, proc
from stratum.layout import Layout

PROCESS = "STRATUM_PROCESS"  # `<instance id>/<process name>`, set by the launcher
BUILD = "STRATUM_BUILD"  # `<instance id>/<app id>/<build number>`, set by the door
_HOME = "HOME"


@dataclass(frozen=True, slots=True)
class Marks:
    """What a process carries; each empty when it carries none of ours.

    Attributes:
        process: name of the app's process that it belongs to.
        build: the build that it belongs to, `<app id>/<number>`.
        home: its HOME, whoever gave it that.
    """

    process: str = ""
    build: str = ""
    home: str = ""


def read(layout: Layout, processes: Collection[proc.Process]) -> dict[int, Marks]:
    """Read the marks of processes, by pid.

    Raises:
        OSError: they could not be looked at.
    """
    found = owner.look(processes, _variables)
    return {process.pid: _marks(layout, found.get(process.pid, {})) for process in processes}


def build(layout: Layout, app_id: int, number: int) -> str:
    """Make a build's mark."""
    return f"{layout.instance_id}/{app_id}/{number}"


def _variables(pid: int) -> dict[str, str]:
    return proc.variables(pid, (PROCESS, BUILD, _HOME))


def _marks(layout: Layout, found: Mapping[str, str]) -> Marks:
    process, built = (_ours(layout, found.get(name, "")) for name in (PROCESS, BUILD))
    return Marks(process, built, found.get(_HOME, ""))


def _ours(layout: Layout, mark: str) -> str:
    instance, _, name = mark.partition("/")
    return name if instance == layout.instance_id else ""
