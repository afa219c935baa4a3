"""Which Python an app gets: the server's own, or the one that it asks for, where that is here.

Source: the forms of `.python-version` (pyenv, uv) and of `runtime.txt` (Heroku, `python-3.12.4`).
"""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

VERSION_FILE, RUNTIME = ".python-version", "runtime.txt"
_FOLDERS = (Path("/usr/local/bin"), Path("/usr/bin"))
_NAME = re.compile(r"python3(\.\d+)?")
_WISH = re.compile(r"(?:c?python[-@]?)?(\d{1,3}(?:\.\d{1,3}){0,2})", re.IGNORECASE)
_SHOWN = 40  # characters of what was written
_PRINT_VERSION = "import sys; print('%d.%d.%d' % sys.version_info[:3])"


class NoSuchPython(Exception):
    """The app asks for one that is not here.

    Attributes:
        mend: what to do.
    """

    def __init__(self, detail: str, mend: str) -> None:
        super().__init__(detail)
        self.mend = mend


class Interpreter(NamedTuple):
    """An interpreter that every uid can reach."""

    path: Path
    version: str  # all three numbers; empty where nobody asks for one


def wish(files: Mapping[str, str]) -> tuple[str, str]:
    """Return the file that asks for a version, and the version; empty ones when nobody does.

    Args:
        files: those of VERSION_FILE and RUNTIME that there are.

    Raises:
        NoSuchPython: it asks in a form that is not understood.
    """
    for name in (VERSION_FILE, RUNTIME):
        lines = (line.partition("#")[0].strip() for line in files.get(name, "").splitlines())
        said = next((line for line in lines if line), "")
        found = _WISH.fullmatch(said)
        if found:
            return name, found[1]
        if said:
            form = "python-3.11" if name == RUNTIME else "3.11"
            shown = said if len(said) <= _SHOWN else f"{said[: _SHOWN - 1]}…"
            detail = f"{name} asks for {shown!r}, which is no version."
            raise NoSuchPython(detail, f"Write it as {form}.")
    return "", ""


def choose(wanted: str, where: str, default: Path) -> Interpreter:
    """Find the interpreter.

    Args:
        wanted: `3`, `3.11` or `3.11.4`; empty: the default one.
        where: the file that asks for it.

    Raises:
        NoSuchPython: it is not here; those that are are named.
    """
    if not wanted:
        return Interpreter(default, "")
    own = Interpreter(default, version_of(default))
    if fits(wanted, own.version):
        return own
    here = [own, *_others(default)]
    found = [one for one in here if fits(wanted, one.version)]
    if not found:
        names = ", ".join(sorted({one.version for one in here}))
        mend = f"Ask for one of these in {where}, or have the operator install Python {wanted}."
        detail = f"{where} asks for Python {wanted}; here is {names}."
        raise NoSuchPython(detail, mend)
    return max(found, key=lambda one: tuple(map(int, one.version.split("."))))


def fits(wanted: str, version: str) -> bool:
    """Whether a version is what was asked for, as far as that says."""
    parts = wanted.split(".")
    return version.split(".")[: len(parts)] == parts


def version_of(python: Path) -> str:
    """Ask an interpreter; empty when it does not answer."""
    argv = (python, "-IS", "-c", _PRINT_VERSION)
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _others(default: Path) -> list[Interpreter]:
    paths = [path for folder in _FOLDERS for path in _named(folder) if path.resolve() != default.resolve()]
    asked = (Interpreter(path, version_of(path)) for path in paths)
    return [one for one in asked if one.version]


def _named(folder: Path) -> list[Path]:
    found = folder.iterdir() if folder.is_dir() else ()
    return [path for path in found if _NAME.fullmatch(path.name) and os.access(path, os.X_OK)]
