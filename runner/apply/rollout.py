"""One rollout, by rule 5 of the design (docs/architecture.md).

Web starts beside the old and is probed; every other target stops the old, starts the new and must
stay alive; then the router switches, the rollout is live, and the old web drains and stops.
"""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from runner.apply import converge, folders, phase, relief, running, site
from runner.apply.destroy import destroy
from runner.apply.lease import Lease, LeaseLost
from runner.apply.parts import Parts
from runner.apply.report import Report, opened
from runner.apply.scripts import run_pre_release
from runner.apply.staying import with_older
from runner.apply.stops import steps_of
from runner.apply.take_back import route_back, take_back
from runner.apply.wish import wish
from runner.engines.engine import Stopped, Watched
from runner.plan import Known, Process, diff, known, stops_late
from runner.probe import await_up
from runner.rounds import rounds
from runner.strays import end_strays
from runner.wish import Wish
from stratum import faults, queue
from stratum.errors import NO_PROCESS, ReleaseStopped, ReleaseUnusable, RolloutFailed, RouterUnavailable
from stratum.model import App, Formation, Phase, Release, ReleaseState, RolloutState, Strategy
from stratum.states import ProcessStatus, State
from stratum.store import Transaction, environments, releases, rollouts
from stratum.store import formation as formation_store

log = logging.getLogger(__name__)

_LOOK_FOR_END_S = 0.5
_ENDED = "was ended: {}."


def roll_out(parts: Parts, lease: Lease) -> None:
    """Do a claimed rollout. The caller holds the app's lock.

    Raises:
        LeaseLost: somebody else has taken it over.
        SupervisorUnavailable, DoorUnavailable: to be tried again from the start.
    """
    faults.reach("rollout.claimed")
    rollout = lease.rollout
    with parts.database.read() as tx:
        app = environments.get_app(tx, rollout.app_id)
        if app is None:
            return
        formation = formation_store.get_formation(tx, app.id)
        current = _release(tx, app.current_release_id)
        release = current if rollout.release_id is None else _release(tx, rollout.release_id)
    if app.destroying:
        destroy(parts, app)
        return
    with opened(parts, app, rollout) as report:
        if release is None:
            _Rolling(parts, lease, report, app, (None, None)).succeed(Wish(app, None, (), {}))
            return
        _Rolling(parts, lease, report, app, (release, current)).run(formation)


class _Rolling:
    def __init__(
        self,
        parts: Parts,
        lease: Lease,
        report: Report,
        app: App,
        releases: tuple[Release | None, Release | None],
    ) -> None:
        self.parts, self.lease, self.report, self.app = parts, lease, report, app
        self.release, self.current = releases
        # Before a release is current, its processes have to prove themselves, whoever started them.
        self._is_new = self.release != self.current
        self._looked_at = -math.inf

    def run(self, formation: Formation) -> None:
        assert self.release is not None
        there = self._revived(formation)
        try:
            if self._is_new:
                folders.check_room(self.parts, self.release)
            if self.release.targets and not self._runs(there):  # of a site alone the router's copy is enough
                folders.open_folder(self.parts, self.app, self.release)
            if self._is_new:
                if self.release.phase is Phase.NONE:  # else they have let it begin
                    run_pre_release(
                        self.parts, self.report, self.app, self.release, self._check_wanted_at_all
                    )
                phase.run(self.parts, self.lease, self.report, self.app, self.release)
                there = running.look(self.parts, self.app)
            goal = wish(self.parts, self.app, self.release, formation)
            goal = with_older(self.parts, goal, formation, mends=self._is_new)
            late = self._bring_up(goal, there)
            self._record_live(goal)
        except (RolloutFailed, ReleaseStopped, ReleaseUnusable, RouterUnavailable) as error:
            log.warning("rollout %d of %s failed: %s", self.lease.rollout.number, self.app.label, error)
            take_back(self.parts, self.lease, self.report, (self.app, self.release, self.current), error)
            return
        self._end_late(late)
        self.succeed(goal)

    def _runs(self, there: Mapping[str, ProcessStatus]) -> bool:
        """Whether processes of the current release run, and so have its folder already."""
        assert self.release is not None
        living = running.living(there.values())
        return not self._is_new and any(known(name).version == self.release.version for name in living)

    def _revived(self, formation: Formation) -> Mapping[str, ProcessStatus]:
        """After a boot, end what the former life left and bring back what ran; return what is there."""
        there = running.look(self.parts, self.app)
        if running.living(there.values()):
            return there
        end_strays(self.parts, self.app)
        if not self._is_new or self.current is None:
            return there
        try:
            done = converge.converge(self.parts, self.app, self.current, formation)
        except (RolloutFailed, ReleaseUnusable) as error:  # what comes now may well mend it
            log.warning("v%d of %s does not come back: %s", self.current.version, self.app.label, error)
            return there
        route_back(self.parts, done.wish)
        return there

    def _bring_up(self, goal: Wish, there: Mapping[str, ProcessStatus]) -> list[Known]:
        statuses = self._settled(goal, there)
        alive = running.living(statuses.values())
        change = diff(goal.processes, alive | (statuses.keys() - {one.name for one in goal.processes}))
        late = [one for one in change.stop if stops_late(one, goal.processes)]
        soon = [one for one in change.stop if one not in late]
        overlapping = [one for one in goal.processes if one.strategy is Strategy.OVERLAP]
        *earlier, last = rounds(overlapping, late, alive)
        up: list[Process] = []
        for one in earlier:
            self._start(goal, one.processes, statuses)
            up += one.processes
            late = self._relieve(one.relieved, up, late)
        self._start(goal, last.processes, statuses)
        faults.reach("rollout.probed")
        turned, soon = self._take_turns(goal, soon, late, statuses)
        self._stop(soon)
        others = [one for one in goal.processes if one not in overlapping and one not in turned]
        self._start(goal, others, statuses)
        faults.reach("rollout.replaced")
        self._look_again(goal)
        reached = running.reached(self.parts, self.app, goal.routed())
        self.parts.router.route(self.app, reached, site=goal.site)
        faults.reach("rollout.switched")
        return late

    def _settled(self, goal: Wish, there: Mapping[str, ProcessStatus]) -> Mapping[str, ProcessStatus]:
        """Return the app's processes, once wished ones that are just stopping have ended."""
        names = [one.name for one in goal.processes]
        stopping = [name for name in names if name in there and there[name].state is State.STOPPING]
        if stopping:
            self.parts.engine.stop(self.app, stopping, steps_of(self.parts, self.app, map(known, stopping)))
            return running.look(self.parts, self.app)
        return there

    def _relieve(
        self, relieved: Sequence[Known], up: Sequence[Process], late: Sequence[Known]
    ) -> list[Known]:
        """End old processes in whose places new ones are up; return those that are left."""
        self.lease.check()
        left = [one for one in late if one not in relieved]
        self._note(relief.relieve(self.parts, self.app, relieved, up, left))
        self.report.stepped(len(left))
        return left

    def _take_turns(
        self, goal: Wish, soon: Sequence[Known], late: Sequence[Known], statuses: Mapping[str, ProcessStatus]
    ) -> tuple[list[Process], list[Known]]:
        """Replace one after the other what takes its place for itself, as long as others serve meanwhile.

        Args:
            soon: old processes that stop before their places are taken.
            late: those that go on until the router has switched.

        Returns:
            The new ones that are up, and what is left of `soon`.
        """
        old = {one.slot: one for one in soon}
        turns = [one for one in goal.processes if one.by_turns and (one.slot in old or one.name in statuses)]
        left, up = list(soon), list[Process]()
        for process in sorted(turns, key=lambda one: one.slot in old):  # what is there already serves first
            mine = [one for one in left if one.slot == process.slot]
            serving = [one for one in (*left, *late) if one.target == process.target and one not in mine]
            if mine and not (up or serving):
                break
            if mine:
                self._relieve(mine, up, [*mine, *serving])
                left = [one for one in left if one not in mine]
            self._start(goal, [process], statuses)
            up.append(process)
        return up, left

    def _start(self, goal: Wish, wanted: Sequence[Process], statuses: Mapping[str, ProcessStatus]) -> None:
        """Start those that are not there, and wait until all are up."""
        self.lease.check()
        there = running.living(statuses.values())
        start = [one for one in wanted if one.name not in there]
        watched = []
        for process, started in zip(start, self.parts.engine.apply(goal, start), strict=True):
            if started.pid is None:
                reason = f"did not start: {started.error}."
                raise RolloutFailed(process.label, reason, hint="The server's operator may mend it.")
            watched.append(Watched(process, started.pid))
        faults.reach("rollout.started")
        for process in wanted:
            if process.name in there:
                watched += self._there(process, statuses[process.name])
        with queue.waiting():  # for a minute, or an hour of checks: others may be rolled out meanwhile
            for up in await_up(self.parts, goal, watched, lambda: self._check_wanted(watched[0].process)):
                self.report.up(up)

    def _look_again(self, goal: Wish) -> None:
        """See that it is wanted still, since to stop what is old may have taken long.

        Raises:
            RolloutFailed, LeaseLost: as `_check_wanted`.
        """
        self.lease.check()
        self._looked_at = -math.inf
        for process in goal.processes[:1]:
            self._check_wanted(process)

    def _check_wanted(self, process: Process) -> None:
        """See now and then that it is still wanted: checks may take an hour.

        Raises:
            RolloutFailed: it was called off, or the app is being destroyed.
            LeaseLost: as ever.
        """
        if why := self._why_called_off():
            raise RolloutFailed(process.label, _ENDED.format(why))

    def _check_wanted_at_all(self) -> None:
        """Do so before anything of the release has been started.

        Raises:
            ReleaseStopped: it was called off, or the app is being destroyed.
            LeaseLost: as ever.
        """
        if self.release and (why := self._why_called_off()):
            raise ReleaseStopped(self.release.version, f"{why}.")

    def _why_called_off(self) -> str:
        self.lease.check()
        if time.monotonic() - self._looked_at < _LOOK_FOR_END_S:
            return ""
        self._looked_at = time.monotonic()
        with self.parts.database.read() as tx:
            app = environments.get_app(tx, self.app.id)
            why = "" if app is None else rollouts.get_rollout(tx, self.lease.rollout.id).error
        return "the app is being destroyed" if app is None or app.destroying else why

    def _there(self, process: Process, status: ProcessStatus) -> list[Watched]:
        """Take in a process that is there already; return it where it has yet to prove itself."""
        assert self.release is not None
        if known(process.name).version != self.release.version:
            self.report.stays(process, status)
        elif self._must_prove_itself(process):
            since = status.started_at or datetime.now(UTC)
            return [Watched(process, status.pid or 0, since=since)]
        else:
            self.report.kept(process, status)
        return []

    def _must_prove_itself(self, process: Process) -> bool:
        """Whether a process that is there already is one that this rollout is to bring up.

        An earlier attempt has started it, or a rollout that was claimed when this one was queued.
        """
        if self._is_new:
            return True
        rollout = self.lease.rollout
        before = rollout.formation_before.get(process.target, process.index)
        if process.target in rollout.resumed:
            before = 0
        return process.index > before and not rollout.was_live

    def _stop(self, surplus: Sequence[Known]) -> None:
        self.lease.check()
        steps = steps_of(self.parts, self.app, surplus)
        self._note(self.parts.engine.stop(self.app, [one.name for one in surplus], steps))

    def _note(self, ended: Sequence[Stopped]) -> None:
        """Report what has ended; recorded at once, as who takes over would not find it any more."""
        self.report.stopped(ended)
        if ended:
            with self.parts.database.write() as tx:
                if not rollouts.note(tx, self.lease.rollout, self.report.lines):
                    raise LeaseLost(self.lease.rollout)

    def _record_live(self, goal: Wish) -> None:
        """Record that the release is live.

        Raises:
            RolloutFailed: it was called off a moment ago, and whoever did so was told that it is.
            LeaseLost: as ever.
        """
        rollout, release = self.lease.rollout, self.release
        assert release is not None
        if goal.site:
            self.report.serves_site()
        if goal.routed() or goal.site:
            host = self.app.host(self.parts.instance.settings.apps_domain, release.app_name)
            self.report.conclude(self.parts.instance.app_url(host))
        with self.parts.database.write() as tx:
            if environments.get_app(tx, self.app.id) is None:
                raise LeaseLost(rollout)
            if why := rollouts.get_rollout(tx, rollout.id).error:
                first = goal.processes[0].label if goal.processes else NO_PROCESS
                raise RolloutFailed(first, _ENDED.format(why))
            if not rollouts.record(tx, rollout, RolloutState.LIVE, self.report.lines):
                raise LeaseLost(rollout)
            if self._is_new:
                if self.current is not None:
                    releases.set_release_state(tx, self.current.id, ReleaseState.RETIRED)
                releases.set_release_state(tx, release.id, ReleaseState.LIVE)
                releases.set_staying(tx, self.app.id, goal.staying())  # before any slug may go for this one
                environments.set_current_release(tx, self.app.id, release.id)
        log.info("rollout %d of %s is live with v%d", rollout.number, self.app.label, release.version)
        faults.reach("rollout.live")

    def _end_late(self, late: Sequence[Known]) -> None:
        """Let old web processes finish their requests, then stop them."""
        if late:
            self.lease.check()
            self._note(relief.end(self.parts, self.app, late))
        faults.reach("rollout.stopped")

    def succeed(self, goal: Wish) -> None:
        """Clear away what the old processes have left, and end the rollout."""
        converge.clear(self.parts, goal)
        with self.parts.database.write() as tx:
            if not rollouts.record(tx, self.lease.rollout, RolloutState.SUCCEEDED, self.report.lines):
                raise LeaseLost(self.lease.rollout)
        if self._is_new:
            folders.clear(self.parts, self.app)
        site.clear(self.parts, self.app)


def _release(tx: Transaction, release_id: int | None) -> Release | None:
    return None if release_id is None else releases.get_release(tx, release_id)
