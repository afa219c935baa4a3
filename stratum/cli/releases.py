"""Releases of the app."""

from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_option, say, shortened, show
from stratum.cli.waiting import finish
from stratum.cli.which import for_app

if TYPE_CHECKING:
    from stratum.client import RemoteApp


@click.command()
@json_option
@for_app
def releases(app: "RemoteApp", as_json: bool) -> None:
    """List the releases, newest first."""
    columns = ("version", "status", "commit", "cause", "who", "created_at")
    show(_readable(app.releases(), as_json), columns, as_json=as_json)


@click.command()
@click.argument("version", required=False, metavar="[vN]")
@json_option
@for_app
def rollback(app: "RemoteApp", version: str | None, as_json: bool) -> None:
    """Run an earlier release's code and variables again; the one before the current, or vN."""
    number = None if version is None else version.removeprefix("v")
    if number is not None and not (number.isascii() and number.isdigit()):
        message = f"{version!r} is no version; v3 is one."
        raise click.UsageError(message)
    change = app.rollback(None if number is None else int(number))
    finish(app, change, as_json=as_json)
    if change["release"]:
        say(f"Released v{change['release']}.")


def _readable(rows: list[dict[str, object]], as_json: bool) -> list[dict[str, object]]:
    if as_json:
        return rows
    return [
        {
            **row,
            "version": f"v{row['version']}",
            "commit": str(row["commit"])[:10],
            "cause": shortened(str(row["cause"])),
        }
        for row in rows
    ]
