"""Builds of the app."""

from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_option, show
from stratum.cli.which import app_option, environment_option, find_app, for_app
from stratum.errors import BuildFailed, RolloutFailed

if TYPE_CHECKING:
    from stratum.client import RemoteApp

COLUMNS = ("number", "status", "commit", "source", "who", "created_at", "error")


@click.group(invoke_without_command=True)
@environment_option
@app_option
@json_option
@click.pass_context
def builds(ctx: click.Context, environment: str | None, app_name: str | None, as_json: bool) -> None:
    """List the builds, newest first; `builds follow N` shows the log of one."""
    if ctx.invoked_subcommand is None:
        given = ctx.find_root().obj
        rows = find_app(environment or given.environment, app_name or given.app).builds()
        shown = rows if as_json else [{**row, "commit": row["commit"][:10]} for row in rows]
        show(shown, COLUMNS, as_json=as_json)


@builds.command()
@click.argument("number", type=click.IntRange(min=1))
@for_app
def follow(app: "RemoteApp", number: int) -> None:
    """Show a build's log until it is settled."""
    _follow(app, number)


@click.command()
@for_app
def redeploy(app: "RemoteApp") -> None:
    """Build the current commit again, and run it."""
    _follow(app, app.redeploy()["build"])


def _follow(app: "RemoteApp", number: int) -> None:
    for chunk in app.build_log(number, follow=True):
        click.echo(chunk, nl=False)
    build, name = app.build(number), f"Build {number}"
    if build["status"] != "succeeded":
        raise BuildFailed(name, build["error"] or build["status"])
    if build["rollout"] is None:
        return
    rollout = app.rollout(build["rollout"])
    if rollout["status"] == "failed":
        reason = f"succeeded, but its rollout failed: {rollout['error']}"
        raise RolloutFailed(name, reason)
