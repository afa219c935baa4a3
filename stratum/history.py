"""The commits between two of a repository, read through the `git` binary."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from stratum.errors import Unavailable
from stratum.git import TIMEOUT_S, git_environ, reason

LIMIT = 50
_FIELDS = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One commit of a log."""

    id: str
    author: str
    subject: str


@dataclass(frozen=True, slots=True)
class Log:
    """Commits, newest first.

    Attributes:
        more: there are others, which are not shown.
    """

    entries: tuple[Entry, ...]
    more: bool


def between(repo: Path, old: str, new: str, limit: int = LIMIT) -> Log | None:
    """List what a commit has that another has not; None when the repository lacks one of them.

    Raises:
        Unavailable: git did not end in time.
    """
    argv = ["git", f"--git-dir={repo}", "log", "-z", f"--max-count={limit + 1}"]
    argv += ["--no-show-signature", "--format=%H%x1f%an%x1f%s", new, f"^{old}", "--"]
    try:
        done = subprocess.run(argv, env=git_environ(), capture_output=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        message = f"git could not list commits of {repo.name}: {reason(error)}."
        raise Unavailable(message, "See the server's log and disk.") from error
    if done.returncode:
        return None
    lines = done.stdout.decode("utf-8", "replace").split("\0")
    found = [line.split("\x1f", _FIELDS - 1) for line in lines if line]
    entries = tuple(Entry(*fields) for fields in found if len(fields) == _FIELDS)
    return Log(entries[:limit], more=len(entries) > limit)
