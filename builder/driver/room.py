"""Where one compilation works, and what its programs find in their environment.

Source of the conventions: Heroku's Buildpack API. ENV_DIR has a file for each variable, and variables
are in no buildpack's environment unless it puts them there; those that would change what runs it are
left out, as buildpacks do themselves.
"""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from builder.driver.order import Order

# What an app's variable must not replace where a build's programs run.
NEVER = re.compile(
    r"PATH|HOME|TMPDIR|PWD|SHELL|IFS|BASH_ENV|SHELLOPTS|BASHOPTS|PS4|PORT"
    r"|CPATH|CPPATH|LIBRARY_PATH|LD_.*|GIT_.*|STRATUM_.*|PYTHONHOME|PYTHONPATH|UV_(?:CACHE_DIR|PYTHON.*)"
    r"|UV_LINK_MODE|UV_PROJECT_ENVIRONMENT"
)
# The operator's; nobody else's are in a build's own environment (`builder.inherited`).
_OF_THE_WAY = re.compile(r"(?:UV|PIP|NPM|YARN)_.*|.*_PROXY", re.IGNORECASE)
_ASKED = {"FORCE_COLOR", "CLICOLOR_FORCE"}  # with the push, which goes before variables
_STACKS = (((2, 39), "heroku-24"), ((2, 35), "heroku-22"), ((2, 31), "heroku-20"))


class Room(NamedTuple):
    """Folders and environment.

    Attributes:
        build: the app's tree, which becomes the slug.
        own: for the driver alone.
        cache: kept for the app's next builds; a new folder when it asked for none.
        environ: of every program; what a buildpack exports joins it.
        variables: the app's own that programs may have.
        told: what built-in buildpacks find besides.
        way: the operator's addresses with a user or password, for what fetches by our own hand.
    """

    order: Order
    build: Path
    own: Path
    cache: Path
    env_dir: Path
    environ: dict[str, str]
    variables: Mapping[str, str]
    told: Mapping[str, str]
    way: Mapping[str, str]

    @classmethod
    def make(cls, order: Order, environ: Mapping[str, str]) -> "Room":
        """Make it in the scratch of the build that the current folder is the source of."""
        own = Path(environ["TMPDIR"]) / "stratum"
        own.mkdir(mode=0o700)
        cache = own / "cache" if order.no_cache else Path(environ["UV_CACHE_DIR"])
        cache.mkdir(exist_ok=True)
        kept = (name for name in order.variables if not NEVER.fullmatch(name))
        variables = {name: order.variables[name] for name in kept if name not in _ASKED & environ.keys()}
        base = _base(environ)
        way = {name: base.pop(name) for name in _signed(base)}
        told = {**_for_ours(environ, order), **way}
        room = cls(order, Path.cwd(), own, cache, own / "env", base, variables, told, way)
        room.environ.update(room.identity())
        room._write_variables()
        return room

    def identity(self) -> dict[str, str]:
        """What tells a buildpack where it is."""
        stack = self.order.variables.get("STACK") or stack_for(os.confstr("CS_GNU_LIBC_VERSION") or "")
        return {"STACK": stack, "SOURCE_VERSION": self.order.commit, "REQUEST_ID": self.order.request}

    def _write_variables(self) -> None:
        self.env_dir.mkdir(mode=0o700)
        for name, value in self.variables.items():
            (self.env_dir / name).write_text(value, encoding="utf-8")


def stack_for(libc: str) -> str:
    """Name the newest of Heroku's stacks whose programs find a C library new enough here.

    Args:
        libc: such as `glibc 2.36`.

    Source: the glibc of Ubuntu 24.04, 22.04 and 20.04, which heroku-24, -22 and -20 are made of.
    """
    found = re.search(r"(\d+)\.(\d+)", libc)
    have = (int(found[1]), int(found[2])) if found else (0, 0)
    return next((name for least, name in _STACKS if have >= least), _STACKS[-1][1])


def _base(environ: Mapping[str, str]) -> dict[str, str]:
    ours = ("UV_CACHE_DIR", "STRATUM_UV", "STRATUM_APP_PYTHON")
    return {name: value for name, value in environ.items() if name not in ours}


def _signed(environ: Mapping[str, str]) -> list[str]:
    """Name the operator's variables that sign in: neither an app's programs nor foreign ones need know."""
    return [name for name, value in environ.items() if "@" in value and _OF_THE_WAY.fullmatch(name)]


def _for_ours(environ: Mapping[str, str], order: Order) -> dict[str, str]:
    """What built-in buildpacks are told besides."""
    names = ("STRATUM_UV", "STRATUM_APP_PYTHON")
    told = {name: environ.get(name, "") for name in names}
    return {**told, "STRATUM_PYTHON": sys.executable, "STRATUM_MARK": order.mark}
