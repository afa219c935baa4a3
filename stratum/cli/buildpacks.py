"""Buildpacks of the app."""

from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_option, say, shortened, show
from stratum.cli.which import for_app, for_subcommands

if TYPE_CHECKING:
    from stratum.client import RemoteApp
    from stratum.client.http import Row

COLUMNS = ("name", "url", "ref", "commit", "pinned_at")


@click.group(invoke_without_command=True)
@for_subcommands
@json_option
@click.pass_context
def buildpacks(ctx: click.Context, as_json: bool) -> None:
    """List what made the app's release, and the commits that buildpacks by URL are pinned to."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_all, environment=None, app_name=None, as_json=as_json)


@buildpacks.command("list")
@json_option
@for_app
def list_all(app: "RemoteApp", as_json: bool) -> None:
    """List them in the order in which they run."""
    rows = app.buildpacks()
    show(rows if as_json else map(_readable, rows), COLUMNS, as_json=as_json)


@buildpacks.command()
@click.argument("url", default="")
@json_option
@for_app
def update(app: "RemoteApp", url: str, as_json: bool) -> None:
    """Have the next build take what is at URL then; without it, at all URLs."""
    answer = app.update_buildpacks(url)
    if as_json:
        show([answer], (), as_json=True)
        return
    for row in answer["unpinned"]:
        say(f"{row['url']} is no longer pinned to {row['commit'][:7]}.")
    say("Next: stratum redeploy" if answer["changed"] else f"{app.label} has no buildpack by URL.")


def _readable(row: "Row") -> "Row":
    return {**row, "name": row["name"] or "(not in the release)", "url": shortened(row["url"])}
