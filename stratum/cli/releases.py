"""Releases of the app."""

from typing import TYPE_CHECKING, Any

import click

from stratum.cli.facts import tell
from stratum.cli.output import json_option, say, shortened, show
from stratum.cli.versions import any_version_argument, number_of, version_argument
from stratum.cli.waiting import finish
from stratum.cli.which import for_app, for_subcommands
from stratum.errors import Conflict, NothingReleased

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stratum.client import RemoteApp
    from stratum.client.http import Row

KEPT = ("live", "retired")
SHOWN = 50  # changes of a kind
COLUMNS = ("version", "status", "commit", "cause", "who", "created_at", "name", "pinned", "staying")


@click.group(invoke_without_command=True)
@for_subcommands
@json_option
@click.pass_context
def releases(ctx: click.Context, as_json: bool) -> None:
    """List the releases, newest first; see also `releases show vN` and the others below."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_all, environment=None, app_name=None, as_json=as_json)


@releases.command("list")
@json_option
@for_app
def list_all(app: "RemoteApp", as_json: bool) -> None:
    """List them, newest first."""
    rows = app.releases()
    show(rows if as_json else map(_readable, rows), COLUMNS, as_json=as_json)


@releases.command("show")
@any_version_argument
@json_option
@for_app
def describe(app: "RemoteApp", version: int | str | None, as_json: bool) -> None:
    """Show a release (without vN, the one that runs) and what it changed next to the one before it."""
    row = app.release(_live(app) if version is None else number_of(app, version))
    if as_json:
        show([row], (), as_json=True)
    else:
        tell(_facts(row))


@releases.command()
@any_version_argument
@json_option
@for_app
def verify(app: "RemoteApp", version: int | str | None, as_json: bool) -> None:
    """See whether what a release runs is what was built; without vN, of all that can be gone back to."""
    kept = [row["version"] for row in app.releases() if row["status"] in KEPT]
    found = [app.verify_release(one) for one in (kept if version is None else [number_of(app, version)])]
    rows = found if as_json else [{**row, "version": f"v{row['version']}"} for row in found]
    show(rows, ("version", "sound", "slug"), as_json=as_json)
    broken = [f"v{row['version']}" for row in found if not row["sound"]]
    if broken:
        message = f"Gone, or not what was built: {', '.join(broken)}."
        raise Conflict(
            message, "It cannot be gone back to; push its commit again, or redeploy the current one."
        )


@releases.command()
@version_argument
@click.argument("name")
@for_app
def name(app: "RemoteApp", version: int | str, name: str) -> None:
    """Give a release a name that no other has; an empty one takes it away."""
    number = number_of(app, version)
    app.describe_release(number, {"name": name})
    say(f"v{number} is called {name}." if name else f"v{number} has no name now.")


@releases.command()
@version_argument
@click.argument("text")
@for_app
def note(app: "RemoteApp", version: int | str, text: str) -> None:
    """Write a note to a release; an empty one takes it away."""
    number = number_of(app, version)
    app.describe_release(number, {"note": text})
    say(f"v{number} has {'a' if text else 'no'} note now.")


@releases.command()
@version_argument
@for_app
def pin(app: "RemoteApp", version: int | str) -> None:
    """Keep a release, however many newer ones there will be."""
    number = number_of(app, version)
    app.describe_release(number, {"pinned": True})
    say(f"v{number} is kept.")


@releases.command()
@version_argument
@for_app
def unpin(app: "RemoteApp", version: int | str) -> None:
    """Have a release removed once there are enough newer ones."""
    number = number_of(app, version)
    app.describe_release(number, {"pinned": False})
    say(f"v{number} is no longer kept for ever.")


@click.command()
@any_version_argument
@json_option
@for_app
def rollback(app: "RemoteApp", version: int | str | None, as_json: bool) -> None:
    """Run an earlier release's code and variables again; the one before the current, or vN, or NAME."""
    change = app.rollback(None if version is None else number_of(app, version))
    finish(app, change, as_json=as_json)
    if change["release"]:
        say(f"Released v{change['release']}.")


def _live(app: "RemoteApp") -> int:
    """Version of the release that runs; of the newest where none ever ran.

    Raises:
        NothingReleased: there is none.
    """
    rows = app.releases()
    if not rows:
        raise NothingReleased(app.label)
    return int(next((row for row in rows if row["status"] == "live"), rows[0])["version"])


def _readable(row: "Row") -> "Row":
    texts = {name: shortened(row[name]) for name in ("cause", "name")}
    return {**row, "version": f"v{row['version']}", "commit": row["commit"][:10], **texts}


def _facts(row: "Row") -> "Iterator[tuple[str, object]]":
    yield "release", f"v{row['version']}"
    yield from ((name, row[name]) for name in ("name", "note", "status", "commit", "cause", "reason", "who"))
    yield "made", row["created_at"]
    yield "build", row["build"]
    yield "release phase", row["phase"]
    yield "pinned", "yes" if row["pinned"] else ""
    yield "staying", "processes that newer releases have left alone" if row["staying"] else ""
    yield "slug", row["slug"]
    yield "targets", "\n".join(f"{name}: {command}" for name, command in row["commands"].items())
    yield "buildpacks", ", ".join(f"{one['name']} {one['commit'][:10]}".strip() for one in row["buildpacks"])
    yield "packages", len(row["packages"])
    yield "storage", "\n".join(f"{name} at {path}" for name, path in row["storage"].items())
    if row["changes"] is not None:
        yield "before it", f"v{row['before']}"
        yield from _changes(row["changes"])


def _changes(found: "Mapping[str, Any]") -> "Iterator[tuple[str, object]]":
    yield "commits", _commits(found["commits"], "not kept any more")
    yield "taken back", _commits(found["commits_dropped"], "")
    for what in ("targets", "variables", "buildpacks", "storage", "packages"):
        yield f"{what} changed", "\n".join(_listed(found[what]))


def _commits(found: "Mapping[str, Any] | None", unknown: str) -> str:
    if found is None:
        return unknown
    lines = [f"{one['id'][:10]} {shortened(one['subject'])} ({one['author']})" for one in found["list"]]
    return "\n".join([*lines, "…"] if found["more"] else lines)


def _listed(found: "Sequence[Mapping[str, str | None]]") -> "Iterator[str]":
    yield from map(_change, found[:SHOWN])
    if len(found) > SHOWN:
        yield f"… and {len(found) - SHOWN} more (--json shows all)"


def _change(one: "Mapping[str, str | None]") -> str:
    if one["before"] is None:
        return f"+ {one['name']}  {one['after']}"
    if one["after"] is None:
        return f"- {one['name']}  {one['before']}"
    return f"~ {one['name']}  {one['before']} → {one['after']}"
