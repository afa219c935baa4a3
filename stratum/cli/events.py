"""What became of processes."""

from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_option, say, show
from stratum.cli.which import for_app

if TYPE_CHECKING:
    from stratum.client import RemoteApp

_COLUMNS = ("at", "release", "target", "index", "message")


@click.command()
@click.option("-t", "--target", help="Only processes of this target.")
@click.option("-n", "--lines", type=click.IntRange(0, 10_000), default=50, show_default=True)
@json_option
@for_app
def events(app: "RemoteApp", target: str | None, lines: int, as_json: bool) -> None:
    """Show when processes were started, stopped, or ended by themselves."""
    found = app.events(target, lines=lines)
    if not found and not as_json:
        say("Nothing has happened yet.")
        return
    show(found, _COLUMNS, as_json=as_json)
