"""Processes: launching, scaling, listing."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_option, show
from stratum.cli.waiting import finish
from stratum.cli.which import for_app

if TYPE_CHECKING:
    from stratum.client import RemoteApp

PS = ("name", "target", "index", "pid", "port", "release", "state", "since", "restarts")
_WHOLE = re.compile(r"-?[0-9]{1,18}")  # int() would take other scripts' digits and blanks as well


@click.command()
@click.argument("target")
@json_option
@for_app
def worker(app: "RemoteApp", target: str, as_json: bool) -> None:
    """Launch the Procfile's TARGET as a worker; one that runs is left alone."""
    finish(app, app.launch(target), until="ended", as_json=as_json)


@click.command()
@click.argument("scales", nargs=-1, required=True, metavar="TARGET=N...")
@json_option
@for_app
def scale(app: "RemoteApp", scales: tuple[str, ...], as_json: bool) -> None:
    """Set how many processes each TARGET has; other targets keep theirs."""
    finish(app, app.scale(_parsed(scales)), until="ended", as_json=as_json)


@click.command()
@json_option
@for_app
def ps(app: "RemoteApp", as_json: bool) -> None:
    """List the app's processes."""
    show(app.processes(), PS, as_json=as_json)


def _parsed(scales: Iterable[str]) -> dict[str, object]:
    """Split each `TARGET=N`; what is no whole number goes as it is to the server, which says what is."""
    wanted: dict[str, object] = {}
    for given in scales:
        target, equals, number = given.partition("=")
        if not equals or not target:
            message = f"{given!r} is not TARGET=N."
            raise click.UsageError(message)
        if target in wanted:
            message = f"{target} is given twice; give it one scale."
            raise click.UsageError(message)
        wanted[target] = int(number) if _WHOLE.fullmatch(number) else number
    return wanted
