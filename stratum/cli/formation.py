"""Processes: launching, scaling, listing."""

from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_option, show
from stratum.cli.waiting import finish
from stratum.cli.which import for_app

if TYPE_CHECKING:
    from stratum.client import RemoteApp

PS = ("name", "target", "index", "pid", "port", "release", "state", "since", "restarts")


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
    wanted = dict(_parsed(given) for given in scales)
    finish(app, app.scale(wanted), until="ended", as_json=as_json)


@click.command()
@json_option
@for_app
def ps(app: "RemoteApp", as_json: bool) -> None:
    """List the app's processes."""
    show(app.processes(), PS, as_json=as_json)


def _parsed(given: str) -> tuple[str, object]:
    """Split `TARGET=N`; what is no whole number goes to the server as it is, which says what is allowed."""
    target, equals, number = given.partition("=")
    if not equals or not target:
        message = f"{given!r} is not TARGET=N."
        raise click.UsageError(message)
    try:
        return target, int(number)
    except ValueError:
        return target, number
