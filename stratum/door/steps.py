"""The table of steps a build may run: fixed programs with paths only the door composes.

A step runs in the build's `source` folder as the build's uid. What the pusher wrote is there, and
is read by these programs only. Which buildpacks run, and what they are told, comes to `compile` on
its standard input: the door never sees it.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stratum.errors import DoorUnavailable

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_PYTHONS = (Path("/usr/bin/python3"), Path("/usr/local/bin/python3"))
_BASH = "/bin/bash"
_DRIVER = Path(__file__).resolve().parents[2] / "builder" / "driver" / "__main__.py"

# Closed to writing (set-uid bits go too: the owner of the tree is the build's uid, not the app's),
# open to reading, whatever a build has closed, brought to the disk, since the release that names it will
# be there, and counted: the same tree gives the same digest, wherever and whenever it was made, which is
# computed while the disk writes. One step: each costs a fork through the door.
# Nothing else is said, since the caller reads the digest: sockets, which tar leaves out, are no news.
# Python's hashing takes half the time of coreutils' where the processor has instructions for it. The text
# is for any Python, since the system's is taken where ours cannot be reached.
_SHA256 = """
import hashlib, sys
digest = hashlib.sha256()
for part in iter(lambda: sys.stdin.buffer.read(1 << 18), b""):
    digest.update(part)
print(digest.hexdigest())
"""
_COUNT = (
    "tar --warning=no-file-ignored --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner"
    " --format=gnu -cf - ."
    f" | \"$0\" -IS -c '{_SHA256}'"
)
# Where its folders are one mount, a build can link a file of its cache into what becomes a slug, which a
# later build would change there. So each file with another name becomes a copy of its own.
SHARED = "STRATUM_CACHE_IS_NEAR"  # set for the step where that is so
_UNLINK = 'for file; do cp -p -- "$file" "$TMPDIR/own" && mv -f -- "$TMPDIR/own" "$file" || exit; done'
# The sync was of the app's cache as well, which is whole with it if this boot has filled it
# (`builder.driver.unsynced`).
_SETTLE = (
    'mark=$UV_CACHE_DIR/.unsynced; if [ $code = 0 ] && [ -s "$mark" ] && read -r since < "$mark"'
    ' && read -r now < /proc/sys/kernel/random/boot_id && [ "$since" = "$now" ]; then : > "$mark"; fi'
)
_CLOSE = (
    f'if [ "${SHARED}" ]; then chmod -R u+rwX . && find . -type f -links +1'
    f" -exec /bin/sh -c '{_UNLINK}' sh {{}} + || exit; fi; "
    "chmod -R u+rX,go=rX,a-ws,-t . || exit; sync --file-system . & "
    f'digest=$({_COUNT}) && wait $! && echo "$digest"; code=$?; {_SETTLE}; exit $code'
)


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
    return _script(_COUNT)


def app_python() -> Path:
    """Find the interpreter for apps: one that every uid can reach, so preferably the system's."""
    own = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    for python in (*_PYTHONS, own):
        if _reachable(python):
            return python
    message = "There is no Python here that apps could run."
    raise DoorUnavailable(message, "Install the system's python3.")


def _reachable(path: Path) -> bool:
    """Whether any uid may execute a file (read one of Python's) and enter the folders above it."""
    try:
        real = path.resolve(strict=True)
        wanted = 0o004 if real.suffix == ".py" else 0o001
        return bool(real.stat().st_mode & wanted) and all(one.stat().st_mode & 0o001 for one in real.parents)
    except OSError:
        return False


def _uv() -> str:
    """Find uv; empty when there is none, which the buildpack that needs it says."""
    places = [Path(sys.executable).parent, *(Path(folder) for folder in SYSTEM_PATH.split(":"))]
    return next((str(place / "uv") for place in places if os.access(place / "uv", os.X_OK)), "")


def _own_python() -> Path:
    """Find an interpreter for our own program: the one we run on, where every uid can reach it."""
    own = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    return own if _reachable(own) else app_python()


def _unpack() -> Step:
    return Step(("/bin/tar", "--extract", "--file=-", "--no-same-owner", "--no-same-permissions"))


def _compile() -> Step:
    environ = {"STRATUM_UV": _uv(), "STRATUM_APP_PYTHON": str(app_python())}
    if not _reachable(_DRIVER):
        message = f"Builds cannot reach {_DRIVER.parent}."
        raise DoorUnavailable(message, "Install Stratum where any account can read its code.")
    return Step((str(_own_python()), "-IS", str(_DRIVER)), environ)


def _close() -> Step:
    return _script(_CLOSE)


def _script(text: str) -> Step:
    """Run a text of ours, in which `$0` is Python."""
    return Step((_BASH, "-o", "pipefail", "-c", text, str(_own_python())))


_TABLE: Mapping[str, Callable[[], Step]] = {
    "unpack": _unpack,
    "compile": _compile,
    "close": _close,
}
