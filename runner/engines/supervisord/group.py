"""The group that supervisord makes of a section, for one that costs its loop next to nothing.

Loaded into supervisord. Source: supervisor 4.3.0, process.py and options.py: every pass of the loop asks
each group for its pipes and has each of its processes look whether it should change its state.
"""

from typing import Any

from supervisor.options import ProcessGroupConfig
from supervisor.process import ProcessGroup
from supervisor.states import ProcessStates

_NOTHING: dict[int, Any] = {}
_AT_REST = frozenset({ProcessStates.RUNNING, ProcessStates.STOPPED})


class AppGroup(ProcessGroup):  # type: ignore[misc]
    """One process, whose pipes are read elsewhere (`pipes.py`)."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        (self._process,) = self.processes.values()

    def get_dispatchers(self) -> dict[int, Any]:
        """Have the loop poll none."""
        return _NOTHING

    def transition(self) -> None:
        """Let time pass for a process that waits for something."""
        if self._process.state not in _AT_REST:
            self._process.transition()


class AppGroupConfig(ProcessGroupConfig):  # type: ignore[misc]
    """Supervisor's own configuration of a group, which makes an AppGroup of it."""

    def make_group(self) -> AppGroup:
        """Make the group of this section."""
        return AppGroup(self)
