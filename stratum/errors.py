"""Every error Stratum raises on purpose, in one tree.

    StratumError                 slug, hint
    ├── InvalidInput             the caller's data
    │   ├── InvalidName, InvalidBranch, InvalidScale, InvalidVariable
    │   ├── InvalidPushOption    option, reason, known
    │   ├── InvalidMount         path, reason
    │   ├── ProcfileInvalid      problems
    │   ├── CommitIncomplete     kind, paths
    │   ├── NotAProcess          target
    │   └── UnknownTarget        target, known
    ├── NotFound                 what, name
    │   └── Renamed              now
    ├── Conflict                 AlreadyExists, NothingReleased, PushRaced, ServedByRouter
    ├── Denied                   BadCredentials, TooManyAttempts, NotAllowed
    ├── BuildFailed              step, exit_code, detail, output
    ├── RolloutFailed            process, exit_status, output
    │   └── PhaseFailed
    ├── ReleaseUnusable          version, reason
    ├── Refused                  status: what a server told its client
    └── Unavailable              SupervisorUnavailable, RouterUnavailable, QueueUnavailable, DoorUnavailable,
                                 ServerUnavailable

Attributes carry the values and `__str__` makes the sentence. HTTP status and exit codes are
mapped at the edges (`gitserver/errors.py`, `stratum/cli/`), not here.
"""

import math
import signal
from collections.abc import Sequence
from typing import ClassVar, Protocol

from stratum.excerpt import quoted


class Located(Protocol):
    """What is wrong at a place of a file."""

    def lines(self) -> Sequence[str]:
        """Say it in full."""
        ...


class StratumError(Exception):
    """Base of all; never raised itself.

    Attributes:
        slug: a short name for machines, stable over releases.
        hint: what the reader may do about it; empty when the message says it.
    """

    slug = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidInput(StratumError):
    """The caller's data cannot be used as it is."""

    slug = "invalid-input"


class InvalidName(InvalidInput):
    """A name of an environment, app or stage breaks the rules of a DNS label, or is reserved."""

    slug = "invalid-name"
    rule = "Use 1 to 63 letters, digits and hyphens, starting and ending with a letter or digit."

    def __init__(self, kind: str, name: str, reason: str, hint: str = rule) -> None:
        super().__init__(f"{name!r} cannot name {kind}: {reason}.", hint)
        self.kind, self.name, self.reason = kind, name, reason


class InvalidBranch(InvalidInput):
    """No branch can have this name."""

    slug = "invalid-branch"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} is no name of a branch.", "Give its short name, such as master or release/2."
        )
        self.name = name


class InvalidScale(InvalidInput):
    """A scale is no whole number within the allowed range."""

    slug = "invalid-scale"

    def __init__(self, target: str, given: object, max_scale: int) -> None:
        super().__init__(f"{given!r} is no scale for {target}: a whole number from 0 to {max_scale} is.")
        self.target, self.given, self.max_scale = target, given, max_scale


class InvalidVariable(InvalidInput):
    """A variable's name or value cannot be passed to a process."""

    slug = "invalid-variable"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The variable {name!r} cannot be set: {reason}.")
        self.name, self.reason = name, reason


class InvalidPushOption(InvalidInput):
    """An option of `git push -o` is not known, or its value is not allowed."""

    slug = "invalid-push-option"
    _SHOWN = 80  # characters of what was given

    def __init__(self, option: str, reason: str, known: Sequence[str]) -> None:
        super().__init__(
            f"The push option {option[: self._SHOWN]!r} cannot be used: {reason}.",
            f"There are: {', '.join(known)}.",
        )
        self.option, self.reason, self.known = option, reason, tuple(known)


class InvalidMount(InvalidInput):
    """No storage can be mounted at this path."""

    slug = "invalid-mount"
    _SHOWN = 80  # characters of what was given

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"Storage cannot be mounted at {path[: self._SHOWN]!r}: {reason}.",
            "Give a path within the app's folder, such as uploads or public/media;"
            " /app/uploads means the first.",
        )
        self.path, self.reason = path, reason


class ProcfileInvalid(InvalidInput):
    """A Procfile has problems; all of them are listed, each with its place and its mend.

    Attributes:
        problems: as `str` each is one line.
    """

    slug = "procfile-invalid"

    def __init__(self, problems: Sequence[Located]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)

    def lines(self) -> list[str]:
        """Say all in full, each with the line that it is about."""
        return [line for problem in self.problems for line in problem.lines()]


class CommitIncomplete(InvalidInput):
    """Files that an app needs are not in the commit, but elsewhere.

    Attributes:
        kind: what stands in their place: `submodule`, `Git LFS pointer`.
    """

    slug = "commit-incomplete"
    _SHOWN = 3
    _MENDS: ClassVar = {
        "submodule": "Add its files instead: git rm --cached PATH, remove PATH/.git, git add PATH, commit",
        "Git LFS pointer": "Commit the files: git lfs untrack PATTERN, git add --renormalize ., commit",
    }

    def __init__(self, kind: str, paths: Sequence[str]) -> None:
        named = ", ".join(map(quoted, paths[: self._SHOWN]))
        more = f" and {len(paths) - self._SHOWN} more" if len(paths) > self._SHOWN else ""
        are = f"is a {kind}: what it stands" if len(paths) == 1 else f"are {kind}s: what they stand"
        super().__init__(
            f"{named}{more} {are} for is not in the commit.",
            f"{self._MENDS[kind]}; or name what no process needs in .slugignore.",
        )
        self.kind, self.paths = kind, tuple(paths)


class UnknownTarget(InvalidInput):
    """The release that runs, or the one that was pushed, has no such target in its Procfile."""

    slug = "unknown-target"

    def __init__(self, target: str, known: Sequence[str], of: str = "the current release") -> None:
        targets = ", ".join(known) or "none"
        super().__init__(
            f"{target!r} is no target of {of}; its targets are: {targets}.",
            "Add a line for it to the Procfile and push, or use one of these.",
        )
        self.target, self.known = target, tuple(known)


class NotAProcess(InvalidInput):
    """A target is the command of the release phase, of which there are no processes."""

    slug = "not-a-process"

    def __init__(self, target: str) -> None:
        super().__init__(
            f"{target} is no process: its command runs once with each release, before anything of it starts.",
            "A target of another name can be scaled.",
        )
        self.target = target


class NotFound(StratumError):
    """No such thing, or none that the caller may know of."""

    slug = "not-found"

    def __init__(self, what: str, name: str, hint: str = "") -> None:
        super().__init__(f"There is no {what} {name!r} here that you may use.", hint)
        self.what, self.name = what, name


class Renamed(NotFound):
    """An app is called something else now; told only to who may see it.

    Attributes:
        now: its label, `MyProdEnv/app02`.
    """

    slug = "renamed"

    def __init__(self, name: str, now: str, hint: str) -> None:
        super().__init__("app", name, hint)
        self.message = f"{name} is called {now} now."
        self.now = now


class Conflict(StratumError):
    """The request is sound, but the present state forbids it."""

    slug = "conflict"


class AlreadyExists(Conflict):
    """The name is taken."""

    slug = "already-exists"

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"The {what} {name!r} exists already (names are compared without regard to case).")
        self.what, self.name = what, name


class NothingReleased(Conflict):
    """The app has no release yet, so there is nothing to scale, restart or roll back."""

    slug = "nothing-released"

    def __init__(self, app: str) -> None:
        super().__init__(f"{app} has no release yet.", "Push first: git push catalyze master.")
        self.app = app


class ServedByRouter(Conflict):
    """The release that runs has a site in place of web processes, so there are none to scale."""

    slug = "served-by-router"

    def __init__(self, version: int) -> None:
        super().__init__(
            f"v{version} has no web process: the router serves its site by itself, to however many ask.",
            "Add a line for web to the Procfile and push, if a process is to answer.",
        )
        self.version = version


class Denied(StratumError):
    """The caller is not who, or not allowed what, the request needs."""

    slug = "denied"


class BadCredentials(Denied):
    """No token, or one that is not known (any more)."""

    slug = "bad-credentials"

    def __init__(self) -> None:
        super().__init__("This needs a valid token.", "Sign in with: stratum login URL.")


class TooManyAttempts(Denied):
    """Too many sign-ins from there have failed lately, so this one was not even looked at.

    Attributes:
        wait_s: whole seconds after which it will be.
    """

    slug = "too-many-attempts"

    def __init__(self, wait_s: float) -> None:
        self.wait_s = math.ceil(wait_s)
        super().__init__("Too many sign-ins have failed.", f"Try again in {self.wait_s} s.")


class NotAllowed(Denied):
    """The token may do something here, but not this.

    Attributes:
        action: what is refused: `push to it`.
        may: what is not: `read`.
    """

    slug = "not-allowed"

    def __init__(self, action: str, where: str, may: str = "read") -> None:
        super().__init__(
            f"Your token may {may} {where}, but not {action}.", "Ask an administrator for one that may."
        )
        self.action, self.where = action, where


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
        lines = "\n".join(output)
        said = f"{detail} Its last lines:\n{lines}" if detail and lines else detail or lines
        super().__init__(f"{self.summary}: {said}", hint)

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


class RolloutFailed(StratumError):
    """A new process did not come up; what ran before runs on.

    Attributes:
        process: readable name of the process.
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


class Unavailable(StratumError):
    """A part that Stratum stands on does not answer; trying again later may help."""

    slug = "unavailable"


class SupervisorUnavailable(Unavailable):
    """Supervisord does not answer, or refused a call that should work."""

    slug = "supervisor-unavailable"


class RouterUnavailable(Unavailable):
    """Caddy's admin socket does not answer, or Caddy refused a configuration."""

    slug = "router-unavailable"


class QueueUnavailable(Unavailable):
    """Redis does not answer."""

    slug = "queue-unavailable"


class DoorUnavailable(Unavailable):
    """The root-owned spawner does not answer, or refused a request."""

    slug = "door-unavailable"


class DoorLost(DoorUnavailable):
    """It is not there, or went away before it answered; what it was at has ended with it."""

    slug = "door-lost"


class ServerUnavailable(Unavailable):
    """The Stratum server does not answer its client."""

    slug = "server-unavailable"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"No Stratum answers at {url}: {reason}.",
            "Is it up, and is the address right? stratum login URL chooses another.",
        )
        self.url, self.reason = url, reason


class Refused(StratumError):
    """The server refused a request; in the client this stands for whatever error the server had.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, status: int, slug: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status, self.slug = status, slug
