"""What became of processes."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_option, say, show
from stratum.cli.which import for_app

if TYPE_CHECKING:
    from stratum.client import RemoteApp
    from stratum.client.http import Row

_COLUMNS = ("at", "release", "target", "index", "message")


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on until interrupted.")
@click.option("-t", "--target", help="Only processes of this target.")
@click.option("-n", "--lines", type=click.IntRange(0, 10_000), default=50, show_default=True)
@json_option
@for_app
def events(app: "RemoteApp", target: str | None, lines: int, as_json: bool, follow: bool) -> None:
    """Show when processes were started, stopped, or ended by themselves; with -f --json an object a line."""
    if follow:
        _tell(app.live_events(target, lines=lines), as_json=as_json)
        return
    found = app.events(target, lines=lines)
    if not found and not as_json:
        if lines:
            say("Nothing has happened yet.")
        return
    show(found, _COLUMNS, as_json=as_json)


def _tell(rows: "Iterable[Row]", *, as_json: bool) -> None:
    try:
        for row in rows:
            process = f"{row['release']} {row['target']}.{row['index']}"
            click.echo(json.dumps(row) if as_json else f"{row['at']} {process} {row['message']}")
    except KeyboardInterrupt:
        return
