"""What belongs to no process of its app, or to a life of one that is over: ended, and told in the log.

What a process sets loose in a session of its own outlives a crash. It would hold on to what the
process wants again, and another would be there after each crash.
"""

import logging
from collections.abc import Iterable, Sequence

from runner.apply.parts import Parts
from stratum.model import App
from stratum.ownership import exclusive
from stratum.states import ProcessStatus

log = logging.getLogger(__name__)

MOST_TOLD = 20  # in a line of the log: an app may fork as many as it likes


class Restarts:
    """Knows which processes have been started anew since it was asked last."""

    def __init__(self) -> None:
        self._pids: dict[str, int] = {}

    def since(self, statuses: Iterable[ProcessStatus]) -> set[str]:
        """Name those that had another pid."""
        before = self._pids
        self._pids = {one.name: one.pid or before.get(one.name, 0) for one in statuses}
        return {name for name, pid in self._pids.items() if before.get(name) not in {None, 0, pid}}


def end_strays_of(parts: Parts, app: App) -> None:
    """End an app's strays, unless an applier is at work for it, which does it itself."""
    with exclusive(parts.apply_lock(app.id)) as is_held:
        if is_held:
            end_strays(parts, app)


def end_strays(parts: Parts, app: App) -> None:
    """End an app's strays, and tell which; the caller holds the app's lock."""
    ended = parts.engine.sweep(app)
    if ended:
        log.warning("ended what belongs to no process of %s: %s", app.label, listed(ended))


def listed(strays: Sequence[str]) -> str:
    """Name them, a few if they are many."""
    more = [f"and {len(strays) - MOST_TOLD} more"] if len(strays) > MOST_TOLD else []
    return ", ".join([*strays[:MOST_TOLD], *more])
