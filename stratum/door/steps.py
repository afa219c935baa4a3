"""The table of steps a build may run: fixed programs with paths only the door composes.

A step runs in the build's `source` folder as the build's uid. What the pusher wrote is there, and
is read by these programs only.

Source: uv 0.13 (`uv help …`): an environment made with --relocatable may be moved, and sync keeps it
so; --no-editable because an editable install would point to the scratch folder after the move.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stratum.errors import DoorUnavailable

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_SYSTEM_CERTS = Path("/etc/ssl/certs/ca-certificates.crt")
_PYTHONS = (Path("/usr/bin/python3"), Path("/usr/local/bin/python3"))
_BASH = "/bin/bash"

# Closed to writing (set-uid bits go too: the owner of the tree is the build's uid, not the app's),
# brought to the disk, since the release that names it will be there, and counted: the same tree
# gives the same digest, wherever and whenever it was made. One step: each costs a fork through the door.
# Nothing else is said, since the caller reads the digest: sockets, which tar leaves out, are no news.
_COUNT = (
    "tar --warning=no-file-ignored --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner"
    " --format=gnu -cf - ."
    " | sha256sum | cut -c1-64"
)
_CLOSE = f"chmod -R go=rX,a-ws,-t . && sync --file-system . && {_COUNT}"


@dataclass(frozen=True, slots=True)
class Step:
    """A program of the table, with the variables it needs beyond the caller's."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


def step(name: str) -> Step:
    """Look up a step.

    Raises:
        KeyError: there is no such step.
        DoorUnavailable: a program that it needs is not on this host.
    """
    return _TABLE[name]()


def names() -> tuple[str, ...]:
    """List the steps there are."""
    return tuple(_TABLE)


def count() -> Step:
    """Compute the digest of a folder that is closed already."""
    return Step((_BASH, "-o", "pipefail", "-c", _COUNT))


def app_python() -> Path:
    """Find the interpreter for apps: one that every uid can reach, so preferably the system's."""
    own = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    for python in (*_PYTHONS, own):
        if _reachable(python):
            return python
    message = "There is no Python here that apps could run."
    raise DoorUnavailable(message, "Install the system's python3.")


def _reachable(path: Path) -> bool:
    """Whether any uid may execute a file and enter the folders above it."""
    try:
        real = path.resolve(strict=True)
        return all(part.stat().st_mode & 0o001 for part in (real, *real.parents))
    except OSError:
        return False


def _uv() -> str:
    places = [Path(sys.executable).parent, *(Path(folder) for folder in SYSTEM_PATH.split(":"))]
    for place in places:
        if os.access(place / "uv", os.X_OK):
            return str(place / "uv")
    message = "There is no uv next to Stratum's own Python nor in the system's folders."
    raise DoorUnavailable(message, "Install Stratum again, with all it depends on.")


def _uv_env() -> dict[str, str]:
    env = {
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_LINK_MODE": "copy",  # a link would let a later build change a slug by way of the cache
        "UV_COMPILE_BYTECODE": "1",
        "UV_NO_PROGRESS": "1",
        "UV_PROJECT_ENVIRONMENT": ".venv",
    }
    if _SYSTEM_CERTS.exists():
        env["UV_SYSTEM_CERTS"] = "1"
    return env


def _unpack() -> Step:
    return Step(("/bin/tar", "--extract", "--file=-", "--no-same-owner", "--no-same-permissions"))


def _venv() -> Step:
    argv = (_uv(), "venv", "--quiet", "--no-config", "--no-project", "--clear", "--relocatable")
    return Step((*argv, "--python", str(app_python()), ".venv"), _uv_env())


def _install_requirements() -> Step:
    argv = (_uv(), "pip", "install", "--no-config", "--python", ".venv/bin/python")
    return Step((*argv, "--requirements", "requirements.txt"), _uv_env())


def _install_lock() -> Step:
    argv = (_uv(), "sync", "--frozen", "--no-dev", "--no-editable", "--python", str(app_python()))
    return Step(argv, _uv_env())


def _close() -> Step:
    return Step((_BASH, "-o", "pipefail", "-c", _CLOSE))


_TABLE: Mapping[str, Callable[[], Step]] = {
    "unpack": _unpack,
    "python-venv": _venv,
    "python-install-requirements": _install_requirements,
    "python-install-lock": _install_lock,
    "close": _close,
}
