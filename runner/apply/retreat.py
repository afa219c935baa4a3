"""Going back from a rollout that fails after new web processes have taken the places of some old ones.

The old ones come up again, round by round, before the new ones go; so no request is lost. All else is
put back by `converge`, which waits for nothing, and so is what does not come up again here.
"""

import logging
from collections.abc import Iterable, Sequence

from runner.apply import folders, relief, running
from runner.apply.lease import Lease
from runner.apply.parts import Parts
from runner.apply.report import Report
from runner.apply.staying import with_older
from runner.apply.stops import steps_of
from runner.apply.wish import wish
from runner.engines.engine import Watched
from runner.plan import Known, Process, known
from runner.probe import await_up
from runner.rounds import rounds
from runner.wish import Wish
from stratum import queue
from stratum.errors import RolloutFailed, RouterUnavailable
from stratum.model import App, Formation, Release, Strategy
from stratum.store import formation as formation_store

log = logging.getLogger(__name__)


def retreat(
    parts: Parts, lease: Lease, report: Report, former: tuple[App, Release], formation: Formation
) -> None:
    """Have the former web processes serve again where they do not; the app's others run by then, too.

    Raises:
        ReleaseUnusable: nothing of the former release can be started.
        LeaseLost: as ever.
    """
    app, release = former
    serving = _new_ones(parts, app, release)
    if not serving:
        return
    goal = with_older(parts, wish(parts, app, release, formation), formation)
    alive = running.lasting(running.look(parts, app).values())
    # What has to have its place for itself can only come back after what has taken that.
    if all(one.name in alive for one in goal.processes if one.port and one.strategy is Strategy.OVERLAP):
        return
    folders.open_folder(parts, app, release)
    way_back = _Retreat(parts, lease, report, goal)
    try:
        way_back.go(serving)
    except (RolloutFailed, RouterUnavailable) as error:
        log.warning("the way back to v%d of %s: %s", release.version, app.label, error)


def _new_ones(parts: Parts, app: App, former: Release) -> list[Known]:
    """List the processes of other releases that the router sends requests to."""
    with parts.database.read() as tx:
        ports, routed = formation_store.ports_of(tx, app.id), formation_store.routes(tx).get(app.id, ())
    serving = [known(name) for name, port in ports.items() if port in routed]
    return [one for one in serving if one.version != former.version]


class _Retreat:
    def __init__(self, parts: Parts, lease: Lease, report: Report, goal: Wish) -> None:
        self.parts, self.lease, self.report, self.goal = parts, lease, report, goal
        self._there: set[str] = set()

    def go(self, serving: Sequence[Known]) -> None:
        """Bring back what was, and relieve what serves in its place, but for the last of it."""
        goal = self.goal
        self._make_room({one.name for one in serving})
        self._start([one for one in goal.processes if one.strategy is Strategy.REPLACE])
        overlapping = [one for one in goal.processes if one.strategy is Strategy.OVERLAP]
        left: list[Known] = list(serving)
        up: list[Process] = []
        for one in rounds(overlapping, serving, self._there):
            self._await(self._start(one.processes))
            up += one.processes
            left = [other for other in left if other not in one.relieved]
            self.lease.check()
            self.report.stopped(relief.relieve(self.parts, goal.app, one.relieved, up, left))

    def _make_room(self, serving: Iterable[str]) -> None:
        """End what serves nobody and is not wished, such as what has failed, and await what is ending."""
        app, wished = self.goal.app, {one.name for one in self.goal.processes}
        there = running.look(self.parts, app)
        self._there = running.lasting(there.values())
        surplus = sorted(there.keys() - wished - set(serving))
        ending = sorted((there.keys() & wished) - self._there)
        self.lease.check()
        steps = steps_of(self.parts, app, map(known, ending))
        self.report.stopped(self.parts.engine.stop(app, [*surplus, *ending], steps))

    def _start(self, wanted: Iterable[Process]) -> list[Watched]:
        """Start what is not there.

        Raises:
            RolloutFailed: one could not be.
        """
        start = [one for one in wanted if one.name not in self._there]
        watched = []
        for process, started in zip(start, self.parts.engine.apply(self.goal, start), strict=True):
            self.report.restarted(process, started)
            if started.pid is None:
                raise RolloutFailed(process.label, f"did not start: {started.error}.")
            watched.append(Watched(process, started.pid))
        return watched

    def _await(self, watched: Sequence[Watched]) -> None:
        with queue.waiting():
            for _ in await_up(self.parts, self.goal, watched, self.lease.check):
                pass
