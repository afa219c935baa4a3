"""What processes write."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_option, safe, say, show
from stratum.cli.which import for_app

if TYPE_CHECKING:
    from stratum.client import RemoteApp


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on until interrupted, over releases too.")
@click.option("-t", "--target", help="Only processes of this target.")
@click.option("-i", "--index", type=click.IntRange(1, 99_999), help="Only the process of this number.")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(0, 10_000),
    help="Of each process; default: 100, or all since a time.",
)
@click.option("--since", metavar="TIME", help="How long ago, as 10m, or a moment, as 2026-11-22T10:00 (UTC).")
@click.option("--grep", metavar="TEXT", help="Only lines with this text, as it stands.")
@click.option("--timestamps", is_flag=True, help="Say when each line was written, to the second, in UTC.")
@json_option
@for_app
def logs(app: "RemoteApp", /, as_json: bool, **given: object) -> None:
    """Show the last lines of the app's processes; with -f --json an object a line."""
    rows = app.logs({name: _text(value) for name, value in given.items() if value is not None})
    if as_json and not given["follow"]:
        show(rows, (), as_json=True)
        return
    try:
        some = False
        for row in rows:
            click.echo(json.dumps(row) if as_json else _line(row))
            some = True
    except KeyboardInterrupt:
        return
    if not some and given["lines"] != 0:
        say("Nothing was found." if given["grep"] or given["since"] else "Nothing was written yet.")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _line(row: Mapping[str, object]) -> str:
    at = f"{row['at']} " if "at" in row else ""
    return f"{at}{row['process']} | {safe(str(row['line']))}"
