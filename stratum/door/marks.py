"""The variables by which processes of apps and of builds are known again."""

from stratum.door import proc
from stratum.layout import Layout

PROCESS = "STRATUM_PROCESS"  # `<instance id>/<process name>`, set by the launcher
BUILD = "STRATUM_BUILD"  # `<instance id>/<app id>/<build number>`, set by the door


def process_name(layout: Layout, pid: int) -> str:
    """Name the app's process that a process belongs to by its mark; empty without one of ours."""
    return _ours(layout, proc.variable(pid, PROCESS))


def build_name(layout: Layout, pid: int) -> str:
    """Name the build that a process belongs to by its mark, `<app id>/<number>`."""
    return _ours(layout, proc.variable(pid, BUILD))


def build(layout: Layout, app_id: int, number: int) -> str:
    """Make a build's mark."""
    return f"{layout.instance_id}/{app_id}/{number}"


def of_app(layout: Layout, pid: int, app_id: int) -> bool:
    """Whether the launcher gave a process the home of an app."""
    return proc.variable(pid, "HOME") == str(layout.home(app_id))


def _ours(layout: Layout, mark: str) -> str:
    instance, _, name = mark.partition("/")
    return name if instance == layout.instance_id else ""
