"""Pausing and resuming."""

from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_option
from stratum.cli.waiting import finish
from stratum.cli.which import for_app

if TYPE_CHECKING:
    from stratum.client import RemoteApp


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@json_option
@for_app
def pause(app: "RemoteApp", targets: tuple[str, ...], as_json: bool) -> None:
    """Have each TARGET without processes until it is resumed; without any, all of the app."""
    finish(app, app.pause(targets), until="ended", as_json=as_json)


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@json_option
@for_app
def resume(app: "RemoteApp", targets: tuple[str, ...], as_json: bool) -> None:
    """End the pause of each TARGET, or of all: just what ran before runs again."""
    finish(app, app.resume(targets), until="ended", as_json=as_json)
