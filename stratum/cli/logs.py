"""What processes write."""

from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_option, pass_on, say, show, whole_lines
from stratum.cli.which import for_app

if TYPE_CHECKING:
    from stratum.client import RemoteApp


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on until interrupted, over releases too.")
@click.option("-t", "--target", help="Only processes of this target.")
@click.option(
    "-n", "--lines", type=click.IntRange(0, 10_000), default=100, show_default=True, help="Of each process."
)
@json_option
@for_app
def logs(app: "RemoteApp", follow: bool, target: str | None, lines: int, as_json: bool) -> None:
    """Show the last lines of the app's processes; with -f --json an object a line."""
    chunks = app.logs(target, lines=lines, follow=follow)
    if as_json and not follow:
        show([_row(line) for line in whole_lines(chunks)], (), as_json=True)
        return
    try:
        some = pass_on(chunks, _row, as_json=as_json)
    except KeyboardInterrupt:
        return
    if not some:
        say("Nothing was written yet.")


def _row(line: str) -> dict[str, object]:
    process, _, said = line.partition(" | ")
    return {"process": process, "line": said}
