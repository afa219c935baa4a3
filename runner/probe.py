"""Whether a new process has come up.

Web: its own process tree listens on `$PORT` in time. Others: alive after `alive_after_s`, with the
same pid. Then it has to pass its startup checks, should there be any. A process that dies meanwhile
has failed at once; later crashes are supervisord's.
"""

import math
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from runner import pace
from runner.apply.parts import Parts
from runner.apply.wish import Wish
from runner.health.attempts import Patient
from runner.health.trial import Trial
from runner.plan import Process
from stratum.buildlog import last_lines
from stratum.errors import RolloutFailed
from stratum.masking import Mask
from stratum.supervisor import ProcessStatus

OUTPUT_LINES = 20
_ALIVE = frozenset({"STARTING", "RUNNING"})
_SILENT = "It had printed nothing."
_LISTEN = (
    "Have it listen on the port that the variable PORT names; where it needs longer to start, an operator "
    "may raise STRATUM_WEB_START_TIMEOUT_S."
)
_UNFIT = (
    "Mend it; or, where it only needs longer, raise initialDelay, attempts or wait of the check in app.json."
)
_OUT_OF_MEMORY = (
    "Most likely the memory that it may use was not enough, or somebody ended it. Have it use less, or "
    "ask the operator for more."
)


@dataclass(frozen=True, slots=True)
class Watched:
    """A process that is to come up, as this pid and no other."""

    process: Process
    pid: int


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
    try:
        for waited_s in pace.looks(math.inf, lambda: due_s) if pending else ():  # noqa: B023 - the newest is meant
            check()
            known = _statuses(parts, pending)
            due_s = pace.LONGEST_PAUSE_S
            for one in list(pending):
                age_s = _age_s(_alive(parts, goal, one.watched, known.get(one.process.name)))
                if one.is_up(age_s, waited_s):
                    pending.remove(one)
                    yield Up(one.process, one.watched.pid, age_s, one.warnings())
                elif not one.process.port:
                    due_s = min(due_s, one.due_s(age_s))
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

    def is_up(self, age_s: float, waited_s: float) -> bool:
        """Whether it has passed all that is asked of it.

        Raises:
            RolloutFailed: it has failed, or is too late.
        """
        if self._trials is None:
            if not _stands(self._parts, self.watched, age_s):
                if self.process.port and waited_s >= self._parts.instance.settings.web_start_timeout_s:
                    raise _silent(self._parts, self._goal, self.process)
                return False
            self._trials = self._begun(age_s)
        for trial in self._trials:
            if trial.error is not None:
                raise trial.error
            if trial.has_failed and not trial.check.only_warns:
                raise _unfit(self._parts, self._goal, self.process, trial)
        return all(trial.passed or trial.has_failed for trial in self._trials)

    def due_s(self, age_s: float) -> float:
        """How long until it may have lived for long enough; its checks tell nobody when they are done."""
        return self._parts.instance.settings.alive_after_s - age_s if self._trials is None else math.inf

    def warnings(self) -> tuple[str, ...]:
        """Say which checks it has failed that only warn."""
        return tuple(_unpassed(trial) for trial in self._trials or () if not trial.passed)

    def call_off(self) -> None:
        """Have no more of its checks begin."""
        for trial in self._trials or ():
            trial.call_off()

    def _begun(self, age_s: float) -> list[Trial]:
        patient = Patient(self._parts, self._goal, self.process, self.watched.pid)
        checks = enumerate(self.process.checks)
        trials = [Trial(check, patient.attempt(check, number), age_s) for number, check in checks]
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


def ending(exit_status: int | None) -> str:
    """Say how a process ended: `exit status 1`, `ended by SIGTERM`."""
    if exit_status is None:
        return "it did not run"
    if exit_status >= 0:
        return f"exit status {exit_status}"
    try:
        return f"ended by {signal.Signals(-exit_status).name}"
    except ValueError:
        return f"ended by signal {-exit_status}"


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


def _statuses(parts: Parts, pending: Sequence[_Rising]) -> dict[str, ProcessStatus]:
    names = [one.process.name for one in pending]
    return {status.name: status for status in parts.sections.status(names)}


def _alive(parts: Parts, goal: Wish, one: Watched, status: ProcessStatus | None) -> ProcessStatus:
    if status is None:
        raise failure(parts, goal, one.process, "did not come up: its section was removed by somebody else.")
    if status.pid != one.pid or status.state not in _ALIVE:
        how, age_s = ending(status.exit_status), _age_s(status)
        reason = f"did not come up: {how} after {age_s:.1f} s."
        raise failure(parts, goal, one.process, reason, exit_status=status.exit_status)
    return status


def _stands(parts: Parts, one: Watched, age_s: float) -> bool:
    if one.process.port:
        return parts.door.listeners(one.pid, one.process.port)
    return age_s >= parts.instance.settings.alive_after_s


def _output(parts: Parts, goal: Wish, process: Process) -> list[str]:
    path = parts.instance.layout.process_log(goal.app.id, process.name)
    return last_lines(path, OUTPUT_LINES, Mask(goal.variables).whole)


def _age_s(status: ProcessStatus) -> float:
    if status.started_at is None:
        return 0.0
    return max((datetime.now(UTC) - status.started_at).total_seconds(), 0.0)


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
