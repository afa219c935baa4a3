"""What processes write."""

from typing import TYPE_CHECKING

import click

from stratum.cli.output import say
from stratum.cli.which import for_app

if TYPE_CHECKING:
    from stratum.client import RemoteApp


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on until interrupted, over releases too.")
@click.option("-t", "--target", help="Only processes of this target.")
@click.option(
    "-n", "--lines", type=click.IntRange(0, 10_000), default=100, show_default=True, help="Of each process."
)
@for_app
def logs(app: "RemoteApp", follow: bool, target: str | None, lines: int) -> None:
    """Show the last lines of the app's processes."""
    empty = True
    try:
        for chunk in app.logs(target, lines=lines, follow=follow):
            click.echo(chunk, nl=False)
            empty = False
    except KeyboardInterrupt:
        return
    if empty:
        say("Nothing was written yet.")
