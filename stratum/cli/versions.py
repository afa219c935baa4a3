"""Which release is meant: by its version, or by the name that somebody gave it."""

from typing import TYPE_CHECKING, Any

import click

from stratum.errors import Conflict, NotFound

if TYPE_CHECKING:
    from stratum.client import RemoteApp

LISTS = "stratum releases lists them, with their names."


class Version(click.ParamType[int | str]):
    """A release: its version, `v3` or `3`, or its name."""

    name = "vN|NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Return the number, or the name; no name looks like a version."""
        digits = str(value).removeprefix("v")
        if digits.isascii() and digits.isdigit():
            return int(digits)
        if not str(value).strip():
            message = "'' is no release; v3 is one."
            raise click.UsageError(message)
        return str(value)


version_argument = click.argument("version", type=Version(), metavar="vN|NAME")
any_version_argument = click.argument("version", type=Version(), required=False, metavar="[vN|NAME]")


def number_of(app: "RemoteApp", wanted: int | str) -> int:
    """Find the version of a release.

    Raises:
        NotFound: none has this name.
        Conflict: several have it, from when that was allowed.
    """
    if isinstance(wanted, int):
        return wanted
    found = [int(row["version"]) for row in app.releases() if row["name"] == wanted]
    if not found:
        raise NotFound("release", wanted, LISTS)
    if len(found) > 1:
        versions = ", ".join(f"v{one}" for one in found)
        message = f"{versions} are all called {wanted!r}."
        raise Conflict(message, f"Say which by its version, such as v{found[0]}.")
    return found[0]
