"""Whether a new process has come up.

Web: its own process tree listens on `$PORT` in time. Others: alive after `alive_after_s`, with the
same pid. Then it has to pass its startup checks, should there be any. A process that dies meanwhile
has failed at once; later crashes are the engine's.
"""

import math
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from runner import pace
from runner.apply.parts import Parts
from runner.engines.engine import Progress, Watched
from runner.health.attempts import Patient
from runner.health.trial import Trial
from runner.plan import Process
from runner.wish import Wish
from stratum.buildlog import last_lines
from stratum.errors import RolloutFailed
from stratum.masking import Mask

OUTPUT_LINES = 20
_SILENT = "It had printed nothing."
_LISTEN = (
    "Have it listen on 127.0.0.1 or all addresses, on the port that the variable PORT names; where it needs "
    "longer to start, an operator may raise STRATUM_WEB_START_TIMEOUT_S."
)
_UNFIT = (
    "Mend it; or, where it only needs longer, raise initialDelay, attempts or wait of the check in app.json."
)
_OUT_OF_MEMORY = (
    "Most likely the memory that it may use was not enough, or somebody ended it. Have it use less, or "
    "ask the operator for more."
)


@dataclass(frozen=True, slots=True)
class Up:
    """A process that has come up, `seconds` after its start.

    Attributes:
        warnings: of which checks it has not passed, and why it counts as up even so.
    """

    process: Process
    pid: int
    seconds: float
    warnings: tuple[str, ...] = ()


def await_up(parts: Parts, goal: Wish, watched: Sequence[Watched], check: Callable[[], None]) -> Iterator[Up]:
    """Yield processes as they come up, until all have.

    Args:
        check: called at every look; may raise to end the wait.

    Raises:
        RolloutFailed: one died, a web process does not listen in time, or one fails a startup check.
    """
    pending = [_Rising(parts, goal, one) for one in watched]
    due_s = pace.LONGEST_PAUSE_S  # until the next one may have lived for long enough
    looked_s = 0.0  # when they were last looked at closely, as it is once they may be up, too
    try:
        for waited_s in pace.looks(math.inf, lambda: due_s) if pending else ():  # noqa: B023 - the newest is meant
            check()
            due_s = pace.LONGEST_PAUSE_S
            glance = waited_s < looked_s + pace.LONGEST_PAUSE_S
            looked_s = looked_s if glance else waited_s
            seen = parts.engine.rollout([one.watched for one in pending], glance=glance)
            for one, now in list(zip(pending, seen, strict=True)):
                if one.is_up(now, waited_s):
                    pending.remove(one)
                    yield Up(one.process, one.watched.pid, now.age_s, one.warnings())
                due_s = min(due_s, now.due_s)
            if not pending:
                return
    finally:
        for one in pending:
            one.call_off()


class _Rising:
    """A process on its way up: first as every process of its kind, then through its checks."""

    def __init__(self, parts: Parts, goal: Wish, watched: Watched) -> None:
        self.watched, self.process = watched, watched.process
        self._parts, self._goal = parts, goal
        self._trials: list[Trial] | None = None  # None: not begun

    def is_up(self, now: Progress, waited_s: float) -> bool:
        """Whether it has passed all that is asked of it.

        Raises:
            RolloutFailed: it has failed, or is too late.
        """
        if now.stuck:
            raise _stuck(self._parts, self._goal, self.process, now)
        if self._trials is None:
            if not now.is_done:
                if self.process.port and waited_s >= self._parts.instance.settings.web_start_timeout_s:
                    raise _silent(self._parts, self._goal, self.process)
                return False
            self.watched = replace(self.watched, is_up=True)
            self._trials = self._begun(now.age_s)
        for trial in self._trials:
            if trial.error is not None:
                raise trial.error
            if trial.has_failed and not trial.check.only_warns:
                raise _unfit(self._parts, self._goal, self.process, trial)
        return all(trial.passed or trial.has_failed for trial in self._trials)

    def warnings(self) -> tuple[str, ...]:
        """Say which checks it has failed that only warn."""
        return tuple(_unpassed(trial) for trial in self._trials or () if not trial.passed)

    def call_off(self) -> None:
        """Have no more of its checks begin."""
        for trial in self._trials or ():
            trial.call_off()

    def _begun(self, age_s: float) -> list[Trial]:
        patient = Patient(self._parts, self._goal, self.process, self.watched.pid)
        trials = [Trial(check, patient.attempt(check), age_s) for check in self.process.checks]
        for trial in trials:
            trial.start()
        return trials


def failure(
    parts: Parts, goal: Wish, process: Process, reason: str, *, exit_status: int | None = None
) -> RolloutFailed:
    """Say why a process is not up, with the last lines it wrote itself, and what may help.

    The lines get into the log of a build, the database and answers of the API, where more people read than
    may see the values of variables: these are masked.

    Args:
        exit_status: how it ended; None when it did not.
    """
    output = _output(parts, goal, process)
    hint = _advice(process, exit_status, silent=not output)
    return RolloutFailed(process.label, reason, output, hint if output else f"{_SILENT} {hint}")


def _advice(process: Process, exit_status: int | None, *, silent: bool) -> str:
    if exit_status == 0:
        return f"{process.target} has to keep running: what ends by itself cannot be a process."
    if exit_status == -signal.SIGKILL:
        return _OUT_OF_MEMORY
    if exit_status is None and process.port:
        return _LISTEN
    if silent:
        return "Have it say what it lacks, and try again."
    return f"See what it printed: stratum logs -t {process.target}; mend it, and try again."


def _output(parts: Parts, goal: Wish, process: Process) -> list[str]:
    path = parts.engine.logs(goal.app, process.name)
    return last_lines(path, OUTPUT_LINES, Mask(goal.variables).whole)


def _stuck(parts: Parts, goal: Wish, process: Process, now: Progress) -> RolloutFailed:
    return failure(parts, goal, process, f"did not come up: {now.stuck}.", exit_status=now.exit_status)


def _silent(parts: Parts, goal: Wish, process: Process) -> RolloutFailed:
    limit_s = parts.instance.settings.web_start_timeout_s
    reason = f"did not come up: nothing of it listened on port {process.port} ($PORT) within {limit_s:g} s."
    return failure(parts, goal, process, reason)


def _unfit(parts: Parts, goal: Wish, process: Process, trial: Trial) -> RolloutFailed:
    output = _output(parts, goal, process)
    hint = _UNFIT if output else f"{_SILENT} {_UNFIT}"
    return RolloutFailed(process.label, f"did not come up: {_unpassed(trial)}.", output, hint)


def _unpassed(trial: Trial) -> str:
    return f"its check {trial.check.label} was not passed: {trial.story()}"
