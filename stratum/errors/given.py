"""What the caller gave cannot be used."""

from collections.abc import Sequence
from typing import ClassVar

from stratum.errors.root import Located, StratumError
from stratum.excerpt import quoted


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


class InvalidDomain(InvalidInput):
    """No app can have this domain."""

    slug = "invalid-domain"
    rule = "Give the name of one host, such as shop.example.com."

    def __init__(self, given: str, reason: str, hint: str = rule) -> None:
        super().__init__(f"{quoted(given)} cannot be a domain of an app: {reason}.", hint)
        self.given, self.reason = given, reason


class InvalidScale(InvalidInput):
    """A scale is no whole number within the allowed range, or a change leads out of it.

    Attributes:
        now: the scale that a change such as `-2` begins from; None where none was asked for.
    """

    slug = "invalid-scale"

    def __init__(self, target: str, given: object, max_scale: int, *, now: int | None = None) -> None:
        if now is None:
            message = f"{given!r} is no scale for {target}: a whole number from 0 to {max_scale} is."
            hint = "+1 and -1 change the scale there is."
        else:
            message = f"{target} cannot go from {now} by {given}: a scale is from 0 to {max_scale}."
            hint = (
                f"Give the scale itself, such as {target}={0 if str(given).startswith('-') else max_scale}."
            )
        super().__init__(message, hint)
        self.target, self.given, self.max_scale, self.now = target, given, max_scale, now


class InvalidTime(InvalidInput):
    """A text says no moment, or no time before now."""

    slug = "invalid-time"

    def __init__(self, given: str) -> None:
        message = f"{given!r:.80} is no time."
        super().__init__(
            message, "Give how long ago, as 90s, 10m, 2h or 3d, or a moment, as 2026-11-22T10:00."
        )
        self.given = given


class InvalidCursor(InvalidInput):
    """A text is no cursor of ours."""

    slug = "invalid-cursor"

    def __init__(self) -> None:
        super().__init__("That is no cursor.", "Give the id of an event as it came, or none.")


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


class FileInvalid(InvalidInput):
    """A file that was pushed has problems; all of them are listed, each with its place and its mend.

    Attributes:
        problems: as `str` each is one line.
    """

    slug = "file-invalid"

    def __init__(self, problems: Sequence[Located]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)

    def lines(self) -> list[str]:
        """Say all in full, each with the line that it is about."""
        return [line for problem in self.problems for line in problem.lines()]


class ProcfileInvalid(FileInvalid):
    """A Procfile has problems."""

    slug = "procfile-invalid"


class AppJsonInvalid(FileInvalid):
    """What app.json says of targets has problems."""

    slug = "app-json-invalid"


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
