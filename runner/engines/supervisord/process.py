"""An app's process as supervisord keeps it: its own `Subprocess`, with what the applier needs.

Loaded into supervisord. Source: supervisor 4.3.0, process.py and options.py; overrides
call what they override, but for `_prepare_child_fds`.
"""

import math
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from supervisor import events
from supervisor.dispatchers import PInputDispatcher
from supervisor.options import ProcessConfig
from supervisor.process import Subprocess
from supervisor.states import ProcessStates

from runner.engines.supervisord import adopted, journal, members, spawning
from runner.engines.supervisord.crashes import Crashes
from runner.engines.supervisord.mark import Mark
from runner.engines.supervisord.output import Output
from runner.engines.supervisord.pipes import Pipes
from runner.engines.supervisord.wakeup import Wakeup
from stratum.crashing import LOOPS_FROM, STABLE_S
from stratum.stopping import SIGNALS, Step

_HELD_BACK_EVERY_S = 600.0  # else a day of it would leave no room for what else became of the app

_watch = members.Watch()
pipes = Pipes()
mark = Mark()
restless: dict[str, "AppProcess"] = {}  # by name, those whose state time may change

_AT_REST = (ProcessStates.RUNNING, ProcessStates.STOPPED)
_CAN_STOP = (ProcessStates.RUNNING, ProcessStates.STARTING, ProcessStates.BACKOFF)

_SPAWNS = spawning.can_start()
# What supervisord has handlers for (options.setsignals), SIGCHLD apart.
_HANDLED = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR2})


class AppProcess(Subprocess):  # type: ignore[misc]
    """Counts starts, keeps the exit status, and ends with its whole process group.

    Attributes:
        starts: since it was added.
        exit_status: of its last end, negative for a signal; None before the first, and when it was
            stopped while it waited to be started again. That of SIGKILL where what its leader had left
            had to be killed.
            Supervisor's own forgets it at the next start and has -1 for every signal.
        crashes: its ends in a row that nobody has asked for.
    """

    backoff: int

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.starts = 0
        self.exit_status: int | None = None
        self.crashes = Crashes()
        self._started_at = 0.0
        self._told_held_back = -math.inf
        self._leader_end: tuple[int, int] | None = None
        self._program: tuple[str, list[str]] | None = None  # only while it is started, as there are thousands
        self._steps: list[Step] = []  # of a stop, those that are still to come
        self._step_ends: float | None = None

    @property
    def is_stable(self) -> bool:
        """Whether it has lived for so long that earlier crashes say nothing of it."""
        return bool(self.pid) and self._lived_s() >= STABLE_S

    def spawn(self) -> int | None:
        """Start it, with the stop signals held back until the child can die of them."""
        self.hurry()  # of a stop that came between two starts, steps may be left
        if not self.pid:
            self.starts += 1
            self._started_at = time.monotonic()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        try:
            pid = self._spawn_in_one() if _SPAWNS else super().spawn()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            self._program = None
        if pid is not None:
            self._tell("started")
        return pid

    def _spawn_in_one(self) -> int | None:
        """Have the program started where supervisor's own would fork, which all share for this moment."""
        options = self.config.options
        options.fork = self._start_program
        try:
            pid: int | None = super().spawn()
        finally:
            del options.fork
        return pid

    def _start_program(self) -> int:
        assert self._program is not None
        return spawning.start(*self._program, self.pipes)

    def get_execv_args(self) -> tuple[str, list[str]]:
        """Keep what supervisor's own works out, until it is started."""
        self._program = filename, argv = super().get_execv_args()
        return filename, argv

    def _spawn_as_parent(self, pid: int) -> int:
        """Have its pipes read."""
        super()._spawn_as_parent(pid)
        pipes.add(self.dispatchers)
        return pid

    def _spawn_as_child(self, filename: str, argv: list[str]) -> None:
        """After a fork. Without this, supervisord's handler takes a stop signal and forgets it at exec."""
        for number in _HANDLED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        super()._spawn_as_child(filename, argv)

    def write(self, chars: bytes) -> None:
        """Write to its input, now and as soon as it takes more; for `supervisorctl fg`."""
        super().write(chars)
        pipes.add(self.dispatchers)

    def kill(self, sig: int) -> str | None:
        """Signal the group; a child that has not made its own yet, directly."""
        if self.pid and self._leader_end is None:  # else the number may be another's by now
            with suppress(ProcessLookupError):
                if os.getpgid(self.pid) != self.pid:
                    os.kill(self.pid, sig)
        _watch.again()
        if sig == signal.SIGKILL and self._leader_end is not None:
            self.exit_status = -sig
        problem: str | None = super().kill(sig)
        return problem

    def end(self, steps: Sequence[Step] | None = None) -> None:
        """Begin to stop it, unless it has ended or is stopping.

        Args:
            steps: signals, and what the last has not ended is killed; None: the usual one and grace.
        """
        state = self.get_state()
        if state == ProcessStates.EXITED:  # on its way to a restart, which supervisor's stop does not prevent
            self.change_state(ProcessStates.STOPPED)
        elif state in _CAN_STOP:
            if steps is None:
                self.stop()
            else:
                self._stop_by(steps)

    def _stop_by(self, steps: Sequence[Step]) -> None:
        self._steps = list(steps)
        self.administrative_stop = True
        self.laststopreport = 0
        self._take_step()

    def hurry(self) -> None:
        """Have a stop that is under way end within the usual grace, without signals still to come."""
        self._steps, self._step_ends = [], None

    def _take_step(self) -> None:
        name, wait_s = self._steps.pop(0) if self._steps else ("kill", None)
        self._step_ends = None if wait_s is None else time.monotonic() + wait_s
        self.kill(SIGNALS[name])

    def _go_on_stopping(self) -> None:
        """Hold supervisord's timer, which knows one signal only, until all have come."""
        if self._step_ends is None or self.get_state() != ProcessStates.STOPPING:
            return
        if time.monotonic() >= self._step_ends:
            self._take_step()
        else:
            self.delay = time.time() + self.config.stopwaitsecs

    def finish(self, pid: int, sts: int) -> None:
        """Note the end of the leader.

        `bash -c 'a | b'` dies of the stop signal before `a` and `b` have finished their work. During
        a stop they keep what is left of their grace: the state stays STOPPING and supervisord's own
        timer kills the group. After a crash they end at once, for the restart wants their port.
        """
        self.exit_status = os.waitstatus_to_exitcode(sts)
        if not self.killing:
            members.kill(pid)
        elif members.may_live(pid):
            self._leader_end = (pid, sts)
            _watch.again()
            Wakeup.soon(_watch.due_s())
            return
        self._finish(pid, sts)

    def transition(self) -> None:
        """Take the next step of its life; called in every pass of supervisord's loop while it is restless."""
        if self._leader_end is not None:
            self._finish_when_alone(*self._leader_end)
        self._go_on_stopping()
        super().transition()

    def change_state(self, new_state: int, expected: bool = True) -> Any:
        """Pass through states; count ends that nobody asked for, and have the next start wait."""
        dies_young = new_state == ProcessStates.BACKOFF and self.get_state() == ProcessStates.STARTING
        if dies_young or new_state == ProcessStates.EXITED:
            self._crashed()
        elif new_state == ProcessStates.STOPPED:
            self.crashes.clear()
            if self.get_state() == ProcessStates.BACKOFF:  # its last end was none of this stop
                self.exit_status = None
            self._tell("stopped", self.exit_status if self.pid else None)
        elif new_state == ProcessStates.STOPPING and self.get_state() != new_state:
            self._tell("stopping")
        changed = super().change_state(new_state, expected)
        if new_state == ProcessStates.BACKOFF:
            # Never below the pause, which supervisord would take for a clock that was set back.
            self.backoff = math.ceil(self.crashes.pause_s)
            self.delay = time.time() + self.crashes.pause_s
        self._note_rest()
        mark.change()
        return changed

    def _note_rest(self) -> None:
        if self.get_state() in _AT_REST:
            restless.pop(self.config.name, None)
        else:
            restless[self.config.name] = self

    def held_back(self) -> None:
        """Tell now and then that it writes more than is read of it."""
        if time.monotonic() >= self._told_held_back + _HELD_BACK_EVERY_S:
            self._told_held_back = time.monotonic()
            self._tell("held-back")

    def _crashed(self) -> None:
        self.crashes.note(self._lived_s(), time.time())
        if self.pid:
            self._tell("exited", self.exit_status)
        else:
            self._tell("not-started")
        if self.crashes.count == LOOPS_FROM:
            self._tell("crash-looping", self.exit_status)

    def _tell(self, what: str, exit_status: int | None = None) -> None:
        lived_s = self._lived_s() if self.pid else 0.0
        end = "" if exit_status is None else exit_status
        when, lived = f"{time.time():.3f}", f"{lived_s:.3f}"
        journal.note(self.config.stdout_logfile, when, self.config.name, what, self.pid, end, lived)

    def _lived_s(self) -> float:
        return time.monotonic() - self._started_at

    def _finish_when_alone(self, pid: int, sts: int) -> None:
        if _watch.lives(pid):
            Wakeup.soon(_watch.due_s())
            return
        self._leader_end = None
        self._finish(pid, sts)

    def _finish(self, pid: int, sts: int) -> None:
        self.hurry()
        pipes.drop(self.dispatchers)
        outputs = [one for one in self.dispatchers.values() if isinstance(one, Output)]
        for output in outputs:
            output.read_rest()
        super().finish(pid, sts)
        for output in outputs:
            output.end_line()
        # Supervisord starts what has lived for a second again at once, however often.
        if self.get_state() == ProcessStates.EXITED and self.config.autorestart and self.crashes.pause_s:
            self.change_state(ProcessStates.BACKOFF)
        if os.getuid():
            adopted.end(self.config.options.pidhistory)

    def _prepare_child_fds(self) -> None:
        """Give the child its pipes.

        Supervisor's own also closes every number up to minfds: 16 ms at 20,000. Nothing here is
        inheritable (PEP 446, and `plugin.make` for what supervisord itself was given).
        """
        os.dup2(self.pipes["child_stdin"], 0)
        os.dup2(self.pipes["child_stdout"], 1)
        os.dup2(self.pipes["child_stdout"], 2)


class AppConfig(ProcessConfig):  # type: ignore[misc]
    """Supervisor's own configuration of a program, which makes an AppProcess of it."""

    def make_dispatchers(self, process: Any) -> tuple[dict[int, Any], dict[str, Any]]:
        """Make the pipes of a start, and what reads and writes them; stderr goes with stdout."""
        pipes = self.options.make_pipes(False)
        read, write = pipes["stdout"], pipes["stdin"]
        try:
            output = Output(process, events.ProcessCommunicationStdoutEvent, read)
        except OSError:  # its log cannot be opened; supervisord's own would leave the pipes open at each try
            self.options.close_parent_pipes(pipes)
            self.options.close_child_pipes(pipes)
            raise
        return {read: output, write: PInputDispatcher(process, "stdin", write)}, pipes

    def make_process(self, group: Any = None) -> AppProcess:
        """Make the process of this section."""
        process = AppProcess(self)
        process.group = group
        return process
