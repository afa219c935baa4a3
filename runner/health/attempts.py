"""What one attempt at a check does, by the kind of the check."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from runner.apply import descriptions
from runner.apply.parts import Parts
from runner.apply.wish import Wish
from runner.health.asking import ask
from runner.plan import Process
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

    def attempt(self, check: Check, number: int) -> Callable[[], str]:
        """Return what tries a check once and tells what is wrong; empty for nothing.

        Args:
            number: of the check among those of the process.
        """
        if check.kind is CheckKind.PATH:
            return lambda: self._listens(check) or self._answers(check)
        if check.kind is CheckKind.LISTENING:
            return lambda: self._listens(check)
        if check.kind is CheckKind.COMMAND:
            return lambda: self._succeeds(check, number)
        return str  # it has lived for long enough, or nobody would ask

    def _port(self, check: Check) -> int:
        return check.port or self.process.port

    def _listens(self, check: Check) -> str:
        """Before anything is sent there: on a port that is not its own, another app may listen."""
        port = self._port(check)
        return "" if self.parts.door.listeners(self.pid, port) else f"nothing of it listens on port {port}"

    def _answers(self, check: Check) -> str:
        release = self.goal.release
        assert release is not None
        host = self.goal.app.host(self.parts.instance.settings.apps_domain, release.app_name)
        return ask(check, self._port(check), host)

    def _succeeds(self, check: Check, number: int) -> str:
        """Run a program as the app, in the environment of the process."""
        name = f"{self.process.name}-check-{number}"
        layout = self.parts.instance.layout
        command = shlex.join(check.command)
        descriptions.write_check(self.goal, self.process, name, command, layout)
        try:
            code, said = self.parts.door.check(self.goal.app.id, name, check.timeout_s)
        finally:
            descriptions.remove(layout, [name])
        if code == 0:
            return ""
        how = f"it took longer than {check.timeout_s} s" if code is None else f"exit status {code}"
        return how + self._last_word(said)

    def _last_word(self, said: str) -> str:
        masked = Mask(self.goal.variables).whole(harmless(said.encode("utf-8", "replace")))
        lines = masked.decode("utf-8", "replace").strip().splitlines()
        return f", its last line {quoted(lines[-1])}" if lines else ""
