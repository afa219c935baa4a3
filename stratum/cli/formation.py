"""Processes: launching, scaling, listing."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from stratum.cli.crashes import quote, tell
from stratum.cli.output import json_option, say, show
from stratum.cli.waiting import finish
from stratum.cli.which import for_app

if TYPE_CHECKING:
    from stratum.client import RemoteApp

PS = ("name", "target", "index", "pid", "port", "release", "state", "since", "restarts")
FORMATION = ("target", "scale", "paused", "present")
_WHOLE = re.compile(r"[0-9]{1,18}")  # int() would take other scripts' digits and blanks as well


@click.command()
@click.argument("target")
@json_option
@for_app
def worker(app: "RemoteApp", target: str, as_json: bool) -> None:
    """Launch the Procfile's TARGET as a worker; one that runs is left alone."""
    finish(app, app.launch(target), until="ended", as_json=as_json)


@click.command()
@click.argument("scales", nargs=-1, metavar="[TARGET=N]...")
@json_option
@for_app
def scale(app: "RemoteApp", scales: tuple[str, ...], as_json: bool) -> None:
    """Set how many processes each TARGET has, or change it: worker=3 web=+1 mailer=-2; others keep theirs.

    Without any, show them.
    """
    if scales:
        finish(app, app.scale(_parsed(scales)), until="ended", as_json=as_json)
    else:
        show(app.formation(), FORMATION, as_json=as_json)


@click.command()
@json_option
@for_app
def ps(app: "RemoteApp", as_json: bool) -> None:
    """List the app's processes, and what those that are crash-looping said last."""
    rows = app.processes()
    show(rows, PS, as_json=as_json)
    if not as_json:
        quote(row["crash"] for row in rows if row["crash"])
        tell(row["note"] for row in rows)
        if app.maintenance():
            say("Maintenance is on: visitors get a page that says so.")


def _parsed(scales: Iterable[str]) -> dict[str, object]:
    """Split each `TARGET=N`; what is no whole number, such as `+1`, goes as it is to the server."""
    wanted: dict[str, object] = {}
    for given in scales:
        target, equals, number = given.partition("=")
        if not equals or not target:
            message = f"{given!r} is not TARGET=N, TARGET=+N or TARGET=-N."
            raise click.UsageError(message)
        if target in wanted:
            message = f"{target} is given twice; give it one scale."
            raise click.UsageError(message)
        wanted[target] = int(number) if _WHOLE.fullmatch(number) else number
    return wanted
