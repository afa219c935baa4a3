"""Builds of the app."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_lines_option, json_option, pass_on, say, shortened, show
from stratum.cli.which import app_option, environment_option, find_app, for_app
from stratum.errors import BuildFailed, RolloutFailed

if TYPE_CHECKING:
    from stratum.client import RemoteApp
    from stratum.client.http import Row

COLUMNS = ("number", "status", "commit", "source", "reason", "who", "created_at", "error")


@click.group(invoke_without_command=True)
@environment_option
@app_option
@json_option
@click.pass_context
def builds(ctx: click.Context, environment: str | None, app_name: str | None, as_json: bool) -> None:
    """List the builds, newest first; `builds follow N` shows the log of one."""
    root = ctx.find_root()
    given = root.obj = replace(
        root.obj, environment=environment or root.obj.environment, app=app_name or root.obj.app
    )  # for the subcommand, too
    if ctx.invoked_subcommand is None:
        rows = find_app(given.environment, given.app).builds()
        show(rows if as_json else map(_readable, rows), COLUMNS, as_json=as_json)


@builds.command()
@click.argument("number", type=click.IntRange(min=1))
@json_lines_option
@for_app
def follow(app: "RemoteApp", number: int, as_json: bool) -> None:
    """Show a build's log until it is settled."""
    pass_on(app.build_log(number, follow=True), _row, as_json=as_json)
    _check(app, app.build(number))


@click.command()
@json_option
@for_app
def redeploy(app: "RemoteApp", as_json: bool) -> None:
    """Build the current commit again, and run it; with --json the log goes to stderr."""
    number = app.redeploy()["build"]
    for chunk in app.build_log(number, follow=True):
        click.echo(chunk, nl=False, err=as_json)
    build = app.build(number)
    if as_json:
        show([build], (), as_json=True)
    _check(app, build)


def _readable(row: "Row") -> "Row":
    texts = {name: shortened(row[name]) for name in ("reason", "error")}
    return {**row, "commit": row["commit"][:10], **texts}


def _row(line: str) -> dict[str, object]:
    return {"line": line}


def _check(app: "RemoteApp", build: "Row") -> None:
    """See that a settled build and its rollout went well, or that a newer push has taken its place.

    Raises:
        BuildFailed, RolloutFailed: they did not.
    """
    name = f"Build {build['number']}"
    newer = build["superseded_by"]
    if newer is not None:
        say(
            f"Build {build['number']} was superseded by #{newer}, a newer push: stratum builds follow {newer}"
        )
        return
    if build["status"] != "succeeded":
        raise BuildFailed(name, build["error"] or build["status"])
    if build["rollout"] is None:
        return
    rollout = app.rollout(build["rollout"])
    if rollout["status"] == "failed":
        reason = f"succeeded, but its rollout failed: {rollout['error']}"
        raise RolloutFailed(name, reason)
