"""Ending sections: stop them together, wait until all have ended, and forget them."""

from collections.abc import Iterable, Sequence

from runner import pace
from runner.engines.engine import Steps, Stopped
from runner.engines.supervisord.rpc import Sections
from stratum import queue
from stratum.door.client import Stray
from stratum.errors import SupervisorUnavailable
from stratum.states import ProcessStatus
from stratum.stopping import longest_s

# Supervisord kills what is left after the grace; this long it may take to notice and to reap.
KILL_MARGIN_S = 15.0


def end(sections: Sections, names: Sequence[str], steps: Steps, usual_grace_s: float) -> list[Stopped]:
    """Stop sections together, wait until all have ended, and forget them.

    Raises:
        SupervisorUnavailable: some are there still, long after they should have been killed.
    """
    sections.stop(names, steps)
    grace_s = max([usual_grace_s, *map(longest_s, steps.values())])
    with queue.waiting():
        ended = _await_ends(sections, names, grace_s + KILL_MARGIN_S)
    refused = sections.remove(names)
    if refused:
        message = f"supervisord keeps sections: {'; '.join(refused.values())}."
        raise SupervisorUnavailable(message)
    return ended


def named(strays: Iterable[Stray]) -> list[str]:
    """Name each as a person reads it: what a process says of itself may hold anything."""
    return [f"pid {pid}" + (f" of {ascii(name)[1:-1]}" if name else "") for pid, _, name in strays]


def _await_ends(sections: Sections, names: Sequence[str], limit_s: float) -> list[Stopped]:
    ended: dict[str, Stopped] = {}
    for waited_s in pace.looks(limit_s):
        known = {status.name: status for status in sections.status(names)}
        for name in names:
            if name not in ended and (name not in known or known[name].has_ended):
                ended[name] = Stopped(name, _exit_status(known.get(name)), waited_s)
        if len(ended) == len(names):
            return [ended[name] for name in names]
    left = ", ".join(name for name in names if name not in ended)
    message = f"supervisord has not ended {left} after {limit_s:.0f} s."
    raise SupervisorUnavailable(message)


def _exit_status(status: ProcessStatus | None) -> int | None:
    return status.exit_status if status else None
