"""How far a section has come on its way up. Pure, but for the clock and the question of who listens."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from runner.engines.engine import Progress, Watched
from stratum.processes import ending
from stratum.states import ProcessStatus


def progress(
    one: Watched,
    status: ProcessStatus | None,
    listens: Callable[[int, int], bool],
    alive_after_s: float,
) -> Progress:
    """Judge a process by its status.

    Args:
        listens: whether the tree of a pid listens on a port.
    """
    if status is None:
        return Progress(0.0, stuck="its section was removed by somebody else")
    age_s = _age_s(one, status)
    if status.pid != one.pid or not status.is_up:
        how = f"{ending(status.exit_status)} after {age_s:.1f} s"
        return Progress(age_s, stuck=how, exit_status=status.exit_status)
    if one.is_up:
        return Progress(age_s, is_done=True)
    if one.process.port:
        return Progress(age_s, is_done=listens(one.pid, one.process.port))
    lived_s = max(age_s, time.monotonic() - one.watched_at_s)  # the wall's clock may be set back meanwhile
    if lived_s >= alive_after_s:
        return Progress(age_s, is_done=True)
    return Progress(age_s, due_s=alive_after_s - lived_s)


def _age_s(one: Watched, status: ProcessStatus) -> float:
    """How long it has lived; of one that is started again already, until then."""
    if status.pid in (one.pid, None):
        return _between_s(status.started_at, datetime.now(UTC))
    return _between_s(one.since, status.started_at)


def _between_s(first: datetime | None, then: datetime | None) -> float:
    if first is None or then is None:
        return 0.0
    return max((then - first).total_seconds(), 0.0)
