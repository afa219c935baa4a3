"""What a rollout did with each process: for the database, and as lines of the log of its build."""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from runner.apply.facts import facts
from runner.apply.parts import Parts
from runner.apply.troubles import tell, troubles
from runner.engines.engine import Started, Stopped
from runner.plan import Process, known
from runner.probe import Up
from stratum.buildlog import ARROW, Log, last_lines
from stratum.errors import NO_PROCESS, RolloutFailed, StratumError
from stratum.model import App, Outcome, Release, ReportLine, Rollout
from stratum.processes import ending
from stratum.states import ProcessStatus
from stratum.store import builds, releases

MAX_OUTPUT_BYTES = 16 << 20  # of a release phase in the log of its build, as of the build itself
_MAX_COMMAND = 60  # characters
_FORMER_LINES = 1000  # of earlier attempts at the same rollout


class Report:
    """Collects lines; says those that the pusher waits for as they come."""

    def __init__(self, before: Iterable[ReportLine], log: Log | None) -> None:
        """Begin a report.

        Args:
            before: lines of an earlier attempt at the same rollout; kept for what has not changed, and for
                what has ended.
        """
        self._before = {line.name: line for line in before}
        ended = {name: line for name, line in self._before.items() if line.outcome is Outcome.STOPPED}
        self._lines: dict[str, ReportLine] = ended
        self._log = log
        self._room = MAX_OUTPUT_BYTES

    @property
    def lines(self) -> tuple[ReportLine, ...]:
        """All lines so far."""
        return tuple(self._lines.values())

    def kept(self, process: Process, status: ProcessStatus) -> None:
        """Note a process that was there already, perhaps started by an earlier attempt."""
        pid, line = status.pid or 0, self._before.get(process.name)
        if line is None or line.pid != pid:
            note = "" if status.is_up else f"it does not stay up: {ending(status.exit_status)}"
            line = _line(process, Outcome.KEPT, pid, note=note)
        self._lines[process.name] = line

    def left_alone(self, process: Process, status: ProcessStatus) -> None:
        """Note a process of the old release that runs after a failure, unless there is a line of it."""
        line = self._lines.get(process.name)
        if line is None:
            self.kept(process, status)
        elif line.outcome is Outcome.STOPPED:  # an attempt was cut off after it had started it again
            self._lines[process.name] = _line(process, Outcome.RESTARTED, status.pid or 0)

    def stays(self, process: Process, status: ProcessStatus) -> None:
        """Note a process of an older release that the new one leaves alone."""
        self.kept(process, status)
        version = known(process.name).version
        if self._log:
            self._log.step(f"{process.label} stays as it is, of v{version} (restart_on_deploy is false)")

    def up(self, up: Up) -> None:
        """Note a new process that has come up."""
        process = up.process
        self._lines[process.name] = _line(process, Outcome.STARTED, up.pid, up.seconds)
        if self._log and process.port:
            self._log.step(
                f"{process.label} up on port {process.port} (pid {up.pid}) after {up.seconds:.1f} s"
            )
        elif self._log:
            self._log.step(f"{process.label} started (pid {up.pid})")
        if self._log and up.warnings:
            self._log.indent("\n".join(f"warning: {warning}" for warning in up.warnings))

    def stopped(self, ends: Iterable[Stopped]) -> None:
        """Note processes that are gone."""
        for end in ends:
            if end.name in self._lines and self._lines[end.name].outcome is Outcome.FAILED:
                continue
            was = known(end.name)
            is_killed = end.exit_status == -signal.SIGKILL
            note = f"killed after {end.seconds:.1f} s" if is_killed else ending(end.exit_status)
            if is_killed and self._log:
                self._log.indent(
                    f"{was.label} of v{was.version} had not ended after {end.seconds:.0f} s, and was killed"
                )
            self._lines[end.name] = ReportLine(
                end.name, was.target, was.index, Outcome.STOPPED, seconds=end.seconds, note=note
            )

    def stepped(self, left: int) -> None:
        """Say that new processes have taken the places of some old ones."""
        if self._log:
            self._log.indent(f"{left} old {'one' if left == 1 else 'ones'} left")

    def restarted(self, process: Process, started: Started) -> None:
        """Note a process of the old release that runs again after a failure."""
        self._lines[process.name] = _line(process, Outcome.RESTARTED, started.pid or 0, note=started.error)
        if self._log and started.pid:
            self._log.error(f"{process.label} was stopped for it, and runs again (pid {started.pid}).")

    def scripts_begun(self, names: Iterable[str]) -> None:
        """Say which hook scripts run."""
        if self._log:
            self._log.step(f"Hook scripts of the server: {', '.join(names)}")

    def phase_begun(self, command: str, *, goes_on: bool) -> None:
        """Say that the release phase runs; where its applier was lost, what was passed on comes again."""
        if self._log:
            self._log.step(f"Release phase: {_cut(command)}")
        if self._log and goes_on:
            self._log.indent("(it goes on, its applier was lost; this is its output from its beginning)")

    def phase_output(self, data: bytes) -> None:
        """Pass on whole lines of hook scripts and of the release phase, as long as there is room for them."""
        if self._log is None or self._room <= 0:
            return
        self._room -= self._log.output(data)
        if self._room <= 0:
            self._log.indent(f"… more than {MAX_OUTPUT_BYTES >> 20} MiB of output; stratum logs has the last")

    def phase_succeeded(self, process: Process, seconds: float) -> None:
        """Note a release phase that came to its end."""
        self._lines[process.name] = _line(process, Outcome.RAN, 0, seconds)
        if self._log:
            self._log.step(f"Release phase succeeded after {seconds:.1f} s")

    def failed(self, error: StratumError, names: str) -> None:
        """Note why the rollout failed, and say it.

        Args:
            names: what the names of the release's processes begin with.
        """
        output: tuple[str, ...] = ()
        if isinstance(error, RolloutFailed) and error.process != NO_PROCESS:
            culprit, output = known(f"{names}.{error.process}"), error.output
            self._lines[culprit.name] = ReportLine(
                culprit.name, culprit.target, culprit.index, Outcome.FAILED, note=error.reason, output=output
            )
        if self._log is None:
            return
        self._log.error(error.message)
        self._log.last(output)
        if error.hint:
            self._log.error(error.hint)

    def serves_site(self) -> None:
        """Say that no process answers requests."""
        if self._log:
            self._log.step("The router serves the site")

    def conclude(self, text: str) -> None:
        """Say where things stand at the end."""
        if self._log:
            self._log.indent(text)

    def left(self, release: Release | None, *, runs: bool) -> None:
        """Say what runs after a failure."""
        if self._log:
            self._log.error(
                f"v{release.version} keeps running." if release and runs else "Nothing is running."
            )


@contextmanager
def opened(parts: Parts, app: App, rollout: Rollout) -> Iterator[Report]:
    """Open the report of a rollout, with the log of the build that caused it."""
    if rollout.build_id is None:
        yield Report(rollout.report, None)
        return
    with parts.database.read() as tx:
        build = builds.get_build(tx, rollout.build_id)
        release = None if rollout.release_id is None else releases.get_release(tx, rollout.release_id)
        said = [] if release is None else facts(tx, app, rollout, release)
        wrong = [] if release is None else troubles(tx, app, release)
    with Log(parts.instance.layout.build_log(app.id, build.number)) as log:
        if release is not None:
            _say_released(log, release, said, again=rollout.attempt > 1)
            tell(log, wrong)
        yield Report(rollout.report, log)


def _say_released(log: Log, release: Release, more: Iterable[str], *, again: bool) -> None:
    """Begin with what the builder recorded: by now it is, and no line of ours came before."""
    said = last_lines(log.path, _FORMER_LINES) if again else []
    for text in (f"Released v{release.version}", *more):
        if ARROW + text not in said:
            log.step(text)


def _cut(command: str) -> str:
    return command if len(command) <= _MAX_COMMAND else command[: _MAX_COMMAND - 1] + "…"


def _line(process: Process, outcome: Outcome, pid: int, seconds: float = 0.0, note: str = "") -> ReportLine:
    return ReportLine(process.name, process.target, process.index, outcome, pid, process.port, seconds, note)
