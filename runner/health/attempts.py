"""What one attempt at a check does, by the kind of the check."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from runner.apply.parts import Parts
from runner.engines.engine import Watched
from runner.health.asking import ask
from runner.plan import Process
from runner.wish import Wish
from stratum.buildlog import harmless
from stratum.excerpt import quoted
from stratum.masking import Mask
from stratum.model import Check, CheckKind


@dataclass(frozen=True, slots=True)
class Patient:
    """A process that is looked at."""

    parts: Parts
    goal: Wish
    process: Process
    pid: int

    def attempt(self, check: Check) -> Callable[[], str]:
        """Return what tries a check once and tells what is wrong; empty for nothing."""
        if check.kind is CheckKind.PATH:
            return lambda: self._listens(check) or self._answers(check)
        if check.kind is CheckKind.LISTENING:
            return lambda: self._listens(check)
        if check.kind is CheckKind.COMMAND:
            return lambda: self._succeeds(check)
        return str  # it has lived for long enough, or nobody would ask

    def _port(self, check: Check) -> int:
        return check.port or self.process.port

    def _listens(self, check: Check) -> str:
        """Before anything is sent there: on a port that is not its own, another app may listen."""
        port = self._port(check)
        (now,) = self.parts.engine.rollout([Watched(replace(self.process, port=port), self.pid)])
        return "" if now.is_done else f"nothing of it listens on port {port}"

    def _answers(self, check: Check) -> str:
        release = self.goal.release
        assert release is not None
        host = self.goal.app.host(self.parts.instance.settings.apps_domain, release.app_name)
        return ask(check, self._port(check), host)

    def _succeeds(self, check: Check) -> str:
        """Run a program as the app, in the environment of the process."""
        ran = self.parts.engine.run(self.goal, self.process, check.command, check.timeout_s)
        if ran.exit_status == 0:
            return ""
        is_late = ran.exit_status is None
        how = f"it took longer than {check.timeout_s} s" if is_late else f"exit status {ran.exit_status}"
        return how + self._last_word(ran.output)

    def _last_word(self, said: str) -> str:
        masked = Mask(self.goal.variables).whole(harmless(said.encode("utf-8", "replace")))
        lines = masked.decode("utf-8", "replace").strip().splitlines()
        return f", its last line {quoted(lines[-1])}" if lines else ""
