"""The release phase: a command of the Procfile that runs once for each release, before anything of it starts.

It is a process that the engine never starts again. So it outlives the applier that has begun it,
and the next one finds it running, or ended, with its exit status. What cannot be told any more, since
the engine itself has gone meanwhile, has failed: who wrote the command decides whether to do it again.
"""

import math
import os
import time
from collections.abc import Sequence
from itertools import islice
from typing import NoReturn

from runner import pace
from runner.apply.lease import Lease, LeaseLost
from runner.apply.parts import Parts
from runner.apply.report import Report
from runner.apply.wish import variables_of
from runner.engines.engine import NO_STEPS
from runner.plan import Process, process_name
from runner.probe import OUTPUT_LINES
from runner.wish import Wish
from stratum import faults, ownership, queue
from stratum.buildlog import last_lines
from stratum.errors import PhaseFailed
from stratum.masking import Mask
from stratum.model import RELEASE_PHASE, App, Phase, Release, Slot, Strategy
from stratum.processes import ending
from stratum.processlog import Tail
from stratum.procfile import expand_unique_int
from stratum.states import ProcessStatus, State
from stratum.stopping import Step
from stratum.store import environments, releases, rollouts

_NO_INTEGER = 0  # of {{UNIQUE_INT}}: those of processes begin with 1
_LOOK_FOR_CANCEL_S = 0.5
_CHUNKS_A_LOOK = 128  # all that is kept of a log
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_MEND = "Nothing of v{} was started. Mend what the Procfile's `release` runs, and try again."
_CALLED_OFF = "Nothing of v{} was started."
_SOON = (("term", 1),)  # who gives up a build, or its release phase, is told that it ends within two seconds
_SLOW = "Have it end sooner, or do its work elsewhere; an operator may raise STRATUM_RELEASE_TIMEOUT_S."


def run(parts: Parts, lease: Lease, report: Report, app: App, release: Release) -> None:
    """See that the phase of a release has succeeded; that it has none is fine.

    Raises:
        PhaseFailed: it has not, so nothing of the release may start.
        LeaseLost: somebody else has taken the rollout over.
    """
    if release.phase_command:
        _Running(parts, lease, report, app, release).run()


class _Running:
    def __init__(self, parts: Parts, lease: Lease, report: Report, app: App, release: Release) -> None:
        self._parts, self._lease, self._report = parts, lease, report
        self._app, self._release = app, release
        self._variables = variables_of(parts, release)
        self._mask = Mask(self._variables)
        self._looked_s = 0.0
        slot = Slot(RELEASE_PHASE, 1)
        name = process_name(app, release, slot)
        command = expand_unique_int(release.phase_command, _NO_INTEGER)
        self._process = Process(name, slot.target, slot.index, _NO_INTEGER, command, Strategy.REPLACE, 0)
        self._log = parts.engine.logs(app, name)

    def run(self) -> None:
        if self._release.phase is not Phase.SUCCEEDED:
            goes_on = self._release.phase is Phase.RUNNING and self._was_started()
            self._report.phase_begun(self._release.phase_command, goes_on=goes_on)
            if not goes_on:
                self._start()
            with queue.waiting():  # it takes nothing from other apps but a place
                status, seconds = self._follow()
            if status.exit_status != 0:
                self._fail(f"failed: {ending(status.exit_status)} after {seconds:.1f} s.")
            self._record(Phase.SUCCEEDED)
            faults.reach("phase.succeeded")
            self._report.phase_succeeded(self._process, seconds)
        if self._statuses():
            self._parts.engine.stop(self._app, [self._process.name])  # with what it has set loose

    def _start(self) -> None:
        self._record(Phase.RUNNING)
        faults.reach("phase.recorded")
        wish = Wish(self._app, self._release, (self._process,), self._variables)
        (started,) = self._parts.engine.apply(wish, [self._process])
        if started.error:
            self._fail(f"did not start: {started.error}.")
        faults.reach("phase.started")

    def _was_started(self) -> bool:
        """Whether an earlier applier came that far: the engine opens the log before the program starts."""
        return bool(self._statuses()) or self._log.exists()

    def _follow(self) -> tuple[ProcessStatus, float]:
        """Pass on what it prints until it has ended; return how it ended, and after how long."""
        status = self._status()
        life = ownership.process_name(status.pid) if status.pid else ""
        began = time.monotonic() - _age_s(life)
        with Tail(self._log) as tail:
            for waited_s in pace.looks(math.inf):
                self._lease.check()
                self._tell_new(tail)
                if not ownership.is_alive(life):
                    status = self._status()
                    if status.has_ended or status.state is State.EXITED:
                        break
                self._check_wanted(time.monotonic() - began, waited_s)
            self._tell_new(tail)
            self._tell(tail.rest())
        faults.reach("phase.ended")
        return status, time.monotonic() - began

    def _check_wanted(self, age_s: float, waited_s: float) -> None:
        """End it when it takes too long, or is called off, or its app is destroyed."""
        limit_s = self._parts.instance.settings.release_timeout_s
        if age_s > limit_s:
            self._end(f"it took longer than {limit_s} s", _SLOW)
        if waited_s - self._looked_s >= _LOOK_FOR_CANCEL_S:
            self._looked_s = waited_s
            with self._parts.database.read() as tx:
                app = environments.get_app(tx, self._app.id)
                called_off = app and rollouts.get_rollout(tx, self._lease.rollout.id).error
            if app is None or app.destroying:
                self._end("the app is being destroyed")
            if called_off:
                self._end(called_off, _CALLED_OFF.format(self._release.version), _SOON)

    def _tell(self, lines: list[str]) -> None:
        if lines:
            self._report.phase_output(self._mask.whole("\n".join(lines).encode()))

    def _tell_new(self, tail: Tail) -> None:
        """Pass on what there is, lest the log be rotated away; not for ever, should there always be more."""
        for lines in islice(iter(tail.fresh, []), _CHUNKS_A_LOOK):
            self._tell(lines)

    def _status(self) -> ProcessStatus:
        found = self._statuses()
        if not found:
            self._fail("was cut off: the server was stopped, its supervisord ended, or its disk was full.")
        return found[0]

    def _statuses(self) -> list[ProcessStatus]:
        return self._parts.engine.status([self._process.name])

    def _record(self, phase: Phase) -> None:
        with self._parts.database.write() as tx:
            if not rollouts.renew(tx, self._lease.rollout):
                raise LeaseLost(self._lease.rollout)
            called_off = rollouts.get_rollout(tx, self._lease.rollout.id).error
            if not called_off:
                releases.set_phase(tx, self._release.id, phase)
        if called_off:  # while it was about to begin, or ended by itself
            self._fail(f"was ended: {called_off}.", _CALLED_OFF.format(self._release.version))

    def _end(self, why: str, hint: str = "", steps: Sequence[Step] = ()) -> NoReturn:
        """Stop it, by these signals if there are any, and tell."""
        name = self._process.name
        self._parts.engine.stop(self._app, [name], {name: steps} if steps else NO_STEPS)
        self._fail(f"was ended: {why}.", hint)

    def _fail(self, reason: str, hint: str = "") -> NoReturn:
        output = last_lines(self._log, OUTPUT_LINES, self._mask.whole)
        raise PhaseFailed(self._process.label, reason, output, hint or _MEND.format(self._release.version))


def _age_s(life: str) -> float:
    """How long a process has lived, whatever was done to the clock of the wall (proc(5), starttime)."""
    _, _, started = life.partition(":")
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - int(started) / _TICKS_PER_S) if started else 0.0
