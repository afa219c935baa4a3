"""What an app needs installed: looks at files of the commit and says which steps to run.

Pure: names and contents in, a plan out. The steps are the door's (`stratum.door.steps`).
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stratum.errors import BuildFailed

REQUIREMENTS, PROJECT, LOCK = "requirements.txt", "pyproject.toml", "uv.lock"
FILES = (REQUIREMENTS, PROJECT, LOCK)
MAX_BYTES = 1 << 20  # a larger file is installed from, but not looked into

_DETECTION = "Detecting the app"
_MEND = (
    "Where the message names a package: see that this version exists, and that it works with the "
    "server's Python; correct the file, commit, and push again."
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name in the door's table, what the pusher calls it, what to do if it fails."""

    name: str
    title: str
    mend: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to install, and what the pusher is told about it first."""

    headline: str
    steps: tuple[Step, ...] = ()


NOTHING = Plan("No dependencies to install")

_VENV = Step("python-venv", "Making the Python environment", "See the message above; then push again.")
_FROM_REQUIREMENTS = Step("python-install-requirements", f"Installing {REQUIREMENTS}", _MEND)
_FROM_LOCK = Step(
    "python-install-lock",
    f"Installing {LOCK}",
    f"If {LOCK} does not fit {PROJECT}: run uv lock and commit {LOCK}. {_MEND}",
)


def detect(files: Mapping[str, bytes | None]) -> Plan:
    """Choose what to install. A lock wins over requirements, as it says more.

    Args:
        files: those of FILES that the commit has at its root; None for one above MAX_BYTES.

    Raises:
        BuildFailed: dependencies are named in a way that cannot be installed as it is.
    """
    if LOCK in files and PROJECT in files:
        count = len(_dependencies(_project(files)))
        return Plan(_headline(count, f" from {LOCK}"), (_FROM_LOCK,))
    if REQUIREMENTS in files:
        count = count_requirements(files[REQUIREMENTS] or b"")
        return Plan(_headline(count), (_VENV, _FROM_REQUIREMENTS))
    if LOCK in files:
        hint = f"Commit {PROJECT} as well, and push again."
        raise BuildFailed(_DETECTION, f"there is {LOCK}, but no {PROJECT} that it belongs to.", hint=hint)
    if PROJECT in files and _names_dependencies(_project(files)):
        hint = f"Run uv lock and commit {LOCK}, or commit {REQUIREMENTS}; then push again."
        raise BuildFailed(_DETECTION, f"{PROJECT} names dependencies, but there is no {LOCK}.", hint=hint)
    return NOTHING


def count_requirements(text: bytes) -> int:
    """Count the lines of a requirements file that ask for a package.

    Source: pip's documentation, "Requirements File Format": a backslash joins lines, `#` at the start
    or after a blank begins a comment, other lines are options (`-r`, `--hash`), but for `-e`.
    """
    lines = re.sub(r"\\\r?\n", "", text.decode("utf-8", "replace")).splitlines()
    bare = [re.sub(r"(^|\s)#.*", "", line).strip().removeprefix("\ufeff") for line in lines]
    return sum(
        bool(line) and (not line.startswith("-") or line.startswith(("-e", "--editable"))) for line in bare
    )


def _headline(count: int, source: str = "") -> str:
    if count == 0:
        return f"Python app detected; installing{source or ' ' + REQUIREMENTS}"
    return f"Python app detected; installing {count} requirement{'s' * (count != 1)}{source}"


def _project(files: Mapping[str, bytes | None]) -> dict[str, Any]:
    try:
        return tomllib.loads((files[PROJECT] or b"").decode())
    except ValueError as error:
        hint = f"Correct {PROJECT}, commit, and push again."
        raise BuildFailed(_DETECTION, f"{PROJECT} is no TOML: {error}.", hint=hint) from error


def _dependencies(project: Mapping[str, Any]) -> list[Any]:
    table = project.get("project")
    listed = table.get("dependencies") if isinstance(table, dict) else None
    return listed if isinstance(listed, list) else []


def _names_dependencies(project: Mapping[str, Any]) -> bool:
    """Whether packages are asked for, be it in the standard way, by a backend, or Poetry's own."""
    table, tool = project.get("project"), project.get("tool")
    dynamic = table.get("dynamic") if isinstance(table, dict) else None
    poetry = tool.get("poetry") if isinstance(tool, dict) else None
    by_poetry = isinstance(poetry, dict) and bool(poetry.get("dependencies"))
    return bool(_dependencies(project)) or "dependencies" in (dynamic or ()) or by_poetry
