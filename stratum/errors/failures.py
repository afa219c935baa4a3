"""What an app's people have to mend: builds, release phases, rollouts."""

import signal
from collections.abc import Sequence

from stratum.errors.root import StratumError

LAST_LINES = "Its last lines:"


class BuildFailed(StratumError):
    """A step of a build failed; the old release keeps running.

    Attributes:
        step: the name of the step, as the pusher saw it.
        detail: what else there is to say of it, a sentence; may be empty where there is output.
        exit_code: of the step's program, 128+n for signal n; None when it had none (time limit, disk).
        output: the last lines that the step's program wrote.
    """

    slug = "build-failed"

    def __init__(
        self,
        step: str,
        detail: str,
        exit_code: int | None = None,
        hint: str = "",
        output: Sequence[str] = (),
    ) -> None:
        self.step, self.detail, self.exit_code, self.output = step, detail, exit_code, tuple(output)
        super().__init__(self._told(), hint)

    def _told(self) -> str:
        """What failed and why, on the first line; below it the output, where that has several lines."""
        lines = "\n".join(self.output)
        if self.detail and lines:
            return f"{self.summary}: {self.detail} {LAST_LINES}\n{lines}"
        if len(self.output) > 1:
            return f"{self.summary}. {LAST_LINES}\n{lines}"
        return f"{self.summary}: {self.detail or lines}"

    @property
    def summary(self) -> str:
        """What failed, in one line without the detail."""
        if self.exit_code is None:
            return f"{self.step} failed"
        if self.signal is not None:
            return f"{self.step} failed, killed by {self.signal.name} ({self.signal:d})"
        return f"{self.step} failed (exit code {self.exit_code})"

    @property
    def signal(self) -> signal.Signals | None:
        """What ended the step's program, if a signal did."""
        try:
            return None if self.exit_code is None else signal.Signals(self.exit_code - 128)
        except ValueError:
            return None


NO_PROCESS = "The release"


class RolloutFailed(StratumError):
    """A new process did not come up; what ran before runs on.

    Attributes:
        process: readable name of the process; NO_PROCESS where the release has none, as one of a site alone.
        reason: one sentence without the name.
        output: the last lines the process itself wrote.
    """

    slug = "rollout-failed"

    def __init__(self, process: str, reason: str, output: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(f"{process} {reason}", hint)
        self.process, self.reason, self.output = process, reason, tuple(output)


class PhaseFailed(RolloutFailed):
    """The release phase did not succeed, so nothing of the release was started."""

    slug = "release-phase-failed"

    def __init__(self, process: str, reason: str, output: Sequence[str], hint: str) -> None:
        super().__init__(process, reason, output, hint)
        self.message = f"The release phase {reason}"


class ReleaseStopped(StratumError):
    """A release is not to run, which was decided before anything of it was started.

    Attributes:
        version: its number.
        reason: a sentence.
        output: the last lines of what has decided it.
    """

    slug = "release-stopped"

    def __init__(self, version: int, reason: str, output: Sequence[str] = (), hint: str = "") -> None:
        lines = "\n".join(output)
        last = f" Its last lines:\n{lines}" if lines else ""
        super().__init__(f"v{version} was stopped: {reason}{last}", hint)
        self.version, self.reason, self.output = version, reason, tuple(output)


class ReleaseUnusable(StratumError):
    """A release cannot be given a folder to run from; what ran before runs on.

    Attributes:
        version: its number.
        reason: why, without a full stop.
    """

    slug = "release-unusable"

    def __init__(self, version: int, reason: str, hint: str = "") -> None:
        super().__init__(f"v{version} has no folder to run from: {reason}.", hint)
        self.version, self.reason = version, reason
