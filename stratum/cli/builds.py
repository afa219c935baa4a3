"""Builds of the app."""

import time
from typing import TYPE_CHECKING

import click

from stratum.cli.facts import tell
from stratum.cli.output import json_lines_option, json_option, pass_on, say, shortened, show
from stratum.cli.waiting import Patience
from stratum.cli.which import for_app, for_subcommands
from stratum.errors import BuildFailed, Conflict, RolloutFailed
from stratum.model import BuildState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stratum.client import RemoteApp
    from stratum.client.http import Row

ENDS_WITHIN_S = 20.0
POLL_S = 0.1
COLUMNS = ("number", "status", "commit", "source", "reason", "who", "created_at", "error")


number_or_newest = click.argument("number", type=click.IntRange(min=1), required=False, metavar="[N]")


@click.group(invoke_without_command=True)
@for_subcommands
@json_option
@click.pass_context
def builds(ctx: click.Context, as_json: bool) -> None:
    """List the builds, newest first; see `builds show N`, `follow N`, `cancel N`, `retry N`."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_all, environment=None, app_name=None, as_json=as_json)


@builds.command("list")
@json_option
@for_app
def list_all(app: "RemoteApp", as_json: bool) -> None:
    """List them, newest first."""
    rows = app.builds()
    show(rows if as_json else map(_readable, rows), COLUMNS, as_json=as_json)


@builds.command()
@number_or_newest
@json_lines_option
@for_app
def follow(app: "RemoteApp", number: int | None, as_json: bool) -> None:
    """Show a build's log until it is settled; without N the newest one's."""
    number = number or _newest(app)
    pass_on(app.build_log(number, follow=True), _row, as_json=as_json)
    _check(app, app.build(number))


@builds.command("show")
@number_or_newest
@json_option
@for_app
def describe(app: "RemoteApp", number: int | None, as_json: bool) -> None:
    """Show all that is known of a build; without N of the newest one."""
    row = app.build(number or _newest(app))
    if as_json:
        show([row], (), as_json=True)
        return
    tell(_facts(row))


@builds.command()
@json_option
@for_app
def purge(app: "RemoteApp", as_json: bool) -> None:
    """Remove what builds have kept for the next ones, such as downloads and installed packages."""
    answer = app.purge_cache()
    if as_json:
        show([answer], (), as_json=True)
        return
    say(f"The next build of {app.label} begins without a cache.")


@builds.command()
@click.argument("number", type=click.IntRange(min=1))
@json_option
@for_app
def cancel(app: "RemoteApp", number: int, as_json: bool) -> None:
    """Give up a build, or the release phase after it; whatever works for it is ended."""
    row, begun = app.cancel_build(number), time.monotonic()
    called_off = row["status"] == "succeeded"
    while row["status"] == "running" and time.monotonic() - begun < ENDS_WITHIN_S:
        time.sleep(POLL_S)
        row = app.build(number)
    if as_json:
        show([row], (), as_json=True)
    if row["status"] == "running":
        message = f"Build {number} is still being ended."
        raise Conflict(message, f"See what becomes of it: {_follow(app, number)}.")
    if row["status"] == "canceled":
        say(f"Canceled build {number}.")
    elif called_off:
        say(f"v{row['release']} is called off: its release phase or startup checks are being ended.")
    else:
        say(f"Build {number} had ended before: it {BuildState(row['status']).verb}.")


@builds.command()
@click.argument("number", type=click.IntRange(min=1))
@json_option
@for_app
def retry(app: "RemoteApp", number: int, as_json: bool) -> None:
    """Build the commit of an ended build once more, with the same options, and run it."""
    _follow_new(app, app.retry_build(number)["build"], as_json=as_json)


@click.command()
@json_option
@for_app
def redeploy(app: "RemoteApp", as_json: bool) -> None:
    """Build the current commit again, and run it; with --json the log goes to stderr."""
    _follow_new(app, app.redeploy()["build"], as_json=as_json)


def _follow_new(app: "RemoteApp", number: int, *, as_json: bool) -> None:
    for chunk in app.build_log(number, follow=True):
        click.echo(chunk, nl=False, err=as_json)
    build = app.build(number)
    if as_json:
        show([build], (), as_json=True)
    _check(app, build)


def _newest(app: "RemoteApp") -> int:
    """Number of the newest build.

    Raises:
        Conflict: nothing was ever built.
    """
    for row in app.builds():
        return int(row["number"])
    message = f"{app.label} has no build yet."
    raise Conflict(message, "The first push makes one: git push catalyze master.")


def _readable(row: "Row") -> "Row":
    texts = {name: shortened(row[name]) for name in ("reason", "error")}
    return {**row, "commit": row["commit"][:10], **texts}


def _facts(row: "Row") -> "Iterator[tuple[str, object]]":
    yield "build", row["number"]
    yield from ((name, row[name]) for name in ("status", "commit", "source", "who", "reason"))
    yield "options", " ".join(_options(row["options"]))
    yield "gated", "its push was taken only once it had succeeded" if row["gated"] else ""
    yield "queued", row["created_at"]
    yield "begun", row["started_at"]
    yield "ended", row["finished_at"]
    yield "attempts", row["attempt"]
    yield "superseded by", f"#{row['superseded_by']}" if row["superseded_by"] else ""
    yield "error", "" if row["superseded_by"] else row["error"]
    yield "release", f"v{row['release']}" if row["release"] else ""


def _options(given: "Row") -> "Iterator[str]":
    """Yield them as they follow `git push -o`; the reason has a line of its own."""
    yield from (name.replace("_", "-") for name in ("no_cache", "color") if given[name])
    yield from (f"scale={target}={scale}" for target, scale in given["scale"].items())


def _row(line: str) -> dict[str, object]:
    return {"line": line}


def _check(app: "RemoteApp", build: "Row") -> None:
    """See that a settled build and its rollout went well, or that a newer push has taken its place.

    Raises:
        BuildFailed, RolloutFailed: they did not.
        Conflict: the build was canceled.
    """
    name = f"Build {build['number']}"
    newer = build["superseded_by"]
    if newer is not None:
        say(f"{name} was superseded by #{newer}, a newer push: {_follow(app, newer)}")
        return
    if build["status"] == "skipped":
        say(f"{name} was skipped: {build['error']}")
        return
    if build["status"] == "canceled":
        message = f"{name} was canceled: {build['error']}"
        again = f"stratum builds retry {build['number']} builds its commit once more."
        fetch = "stratum webhooks replay NUMBER fetches it; stratum webhooks deliveries has the number."
        raise Conflict(message, again if build["commit"] else fetch)
    if build["status"] != "succeeded":
        raise BuildFailed(name, build["error"] or build["status"])
    if build["rollout"] is None:
        return
    rollout = app.rollout(build["rollout"], unfinished=Patience().tell)
    if rollout["status"] == "failed":
        reason = f"succeeded, but its rollout failed: {rollout['error']}"
        raise RolloutFailed(name, reason)


def _follow(app: "RemoteApp", number: int) -> str:
    from stratum.buildlog import follow_command  # only once it has something to say

    return follow_command(app.environment, app.name, number)
