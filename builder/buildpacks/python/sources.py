"""What of an app's files its packages are installed from. Pure."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

REQUIREMENTS, PROJECT, LOCK = "requirements.txt", "pyproject.toml", "uv.lock"
POETRY, PIPENV = "poetry.lock", ("Pipfile.lock", "Pipfile")
FILES = (REQUIREMENTS, PROJECT, LOCK, POETRY, *PIPENV)


class Unusable(Exception):
    """The packages are named in a way that cannot be installed as it is.

    Attributes:
        mend: what to do.
    """

    def __init__(self, detail: str, mend: str) -> None:
        super().__init__(detail)
        self.mend = mend


class Source(NamedTuple):
    """One way to install: the file that decides, and what the pusher is told first."""

    file: str
    headline: str


def chosen(files: Mapping[str, bytes]) -> Source:
    """Choose what to install from. A lock wins over requirements, as it says more.

    Args:
        files: those of FILES that there are.

    Raises:
        Unusable: nothing of it can be installed as it is.
    """
    for lock in (LOCK, POETRY):
        if lock in files and PROJECT in files:
            return Source(lock, _headline(len(_asked(project(files), lock)), f" from {lock}"))
    if REQUIREMENTS in files:
        return Source(REQUIREMENTS, _headline(count_requirements(files[REQUIREMENTS])))
    for lock in (LOCK, POETRY):
        if lock in files:
            detail = f"there is {lock}, but no {PROJECT} that it belongs to."
            raise Unusable(detail, f"Commit {PROJECT} as well, and push again.")
    if any(name in files for name in PIPENV):
        detail = "there is a Pipfile, and packages are not installed from one here."
        raise Unusable(detail, f"Run pipenv requirements > {REQUIREMENTS}, commit it, and push again.")
    raise _unlocked(project(files) if PROJECT in files else {})  # or what is wrong with the project itself


def _unlocked(found: Mapping[str, Any]) -> Unusable:
    lock, make = (POETRY, "poetry lock") if _of_poetry(found) else (LOCK, "uv lock")
    detail = f"{PROJECT} names dependencies, but there is no {lock}."
    return Unusable(detail, f"Run {make} and commit {lock}, or commit {REQUIREMENTS}; then push again.")


def names_dependencies(found: Mapping[str, Any]) -> bool:
    """Whether a project asks for packages, be it in the standard way, by a backend, or Poetry's own."""
    table = found.get("project")
    dynamic = table.get("dynamic") if isinstance(table, dict) else None
    return bool(_asked(found, LOCK)) or "dependencies" in (dynamic or ()) or bool(_asked(found, POETRY))


def project(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Read the project.

    Raises:
        Unusable: it is no TOML.
    """
    import tomllib  # time that apps without a project need not spend

    try:
        return tomllib.loads(files[PROJECT].decode())
    except (ValueError, RecursionError) as error:
        detail = f"{PROJECT} is no TOML: {error}."
        raise Unusable(detail, f"Correct {PROJECT}, commit, and push again.") from error


def count_requirements(text: bytes) -> int:
    """Count the lines of a requirements file that ask for a package.

    Source: pip's documentation, "Requirements File Format": a backslash joins lines, `#` at the start
    or after a blank begins a comment, other lines are options (`-r`, `--hash`), but for `-e`.
    """
    return sum(not line.startswith("-") or line.startswith(("-e", "--editable")) for line in lines_of(text))


def lines_of(text: bytes) -> list[str]:
    """Return the lines of a requirements file that say something, without comments."""
    joined = re.sub(r"\\\r?\n", "", text.decode("utf-8", "replace")).splitlines()
    bare = (re.sub(r"(^|\s)#.*", "", line).strip().removeprefix("\ufeff") for line in joined)
    return [line for line in bare if line]


def _asked(found: Mapping[str, Any], lock: str) -> list[str]:
    """Name what a project itself asks for, in the standard way or in Poetry's."""
    table = found.get("project")
    listed = table.get("dependencies") if isinstance(table, dict) else None
    if isinstance(listed, list) and (listed or lock != POETRY):
        return [str(one) for one in listed]
    own = _of_poetry(found).get("dependencies") if lock == POETRY else None
    return [name for name in own if name.lower() != "python"] if isinstance(own, dict) else []


def _of_poetry(found: Mapping[str, Any]) -> Mapping[str, Any]:
    tool = found.get("tool")
    poetry = tool.get("poetry") if isinstance(tool, dict) else None
    return poetry if isinstance(poetry, dict) else {}


def _headline(count: int, source: str = "") -> str:
    if count == 0:
        return f"Python app detected; installing{source or ' ' + REQUIREMENTS}"
    return f"Python app detected; installing {count} requirement{'s' * (count != 1)}{source}"
