"""Whether a closer look at starting processes can tell anything: one question to the kernel for all.

A web process takes some tenths of a second to listen, and is looked at every 10 ms: asking supervisord and
the door each time took as much of the processor as half of its start.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from runner import listening
from runner.engines.engine import Progress, Watched
from stratum.door import proc


def are_silent(watched: Sequence[Watched]) -> bool:
    """Whether all are there and wait for a port on which nobody at all listens."""
    if not all(one.process.port and not one.is_up for one in watched):
        return False
    try:
        taken = listening.accounts()
    except OSError:  # nothing can be told at a glance
        return False
    return all(one.process.port not in taken and proc.read(one.pid) is not None for one in watched)


def on_its_way(one: Watched) -> Progress:
    """Tell of one that cannot be up yet."""
    return Progress(max((datetime.now(UTC) - one.since).total_seconds(), 0.0))
