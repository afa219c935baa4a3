"""Storage: folders of the app that outlive its releases."""

import sys
from typing import TYPE_CHECKING

import click

from stratum import sizes
from stratum.cli.output import json_option, say, show
from stratum.cli.waiting import finish
from stratum.cli.which import for_app, for_subcommands

if TYPE_CHECKING:
    from stratum.client import RemoteApp
    from stratum.client.http import Row

COLUMNS = ("name", "mounted_at", "size", "destroying", "created_at")


@click.group(invoke_without_command=True)
@for_subcommands
@json_option
@click.pass_context
def storage(ctx: click.Context, as_json: bool) -> None:
    """Keep folders of the app over releases and rollbacks; without a command they are listed."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_all, environment=None, app_name=None, as_json=as_json)


@storage.command("list")
@json_option
@for_app
def list_all(app: "RemoteApp", as_json: bool) -> None:
    """List it, with where it is mounted and what it takes of the disk."""
    rows = app.storage()
    show(rows if as_json else map(_readable, rows), COLUMNS, as_json=as_json)


@storage.command()
@click.argument("name")
@click.option("--mount", "path", metavar="PATH", help="Where the app's processes find it, such as uploads.")
@json_option
@for_app
def create(app: "RemoteApp", name: str, path: str | None, as_json: bool) -> None:
    """Add an empty folder NAME; it is kept until it is destroyed."""
    made = app.create_storage(name, path)
    say(f"Created the storage {made['name']} of {app.label}.")
    if path is None:
        say(f"Next: stratum storage mount {made['name']} PATH")
    finish(app, made, as_json=as_json)


@storage.command()
@click.argument("name")
@click.argument("path")
@json_option
@for_app
def mount(app: "RemoteApp", name: str, path: str, as_json: bool) -> None:
    """Have the app's processes find NAME at PATH, a folder within theirs; they are started anew."""
    finish(app, app.mount_storage(name, path), as_json=as_json)


@storage.command()
@click.argument("name")
@json_option
@for_app
def unmount(app: "RemoteApp", name: str, as_json: bool) -> None:
    """Have the app's processes find NAME nowhere; what is in it stays."""
    finish(app, app.mount_storage(name, None), as_json=as_json)


@storage.command()
@click.argument("name")
@click.option("--confirm", metavar="NAME", help="The name once more, instead of being asked for it.")
@for_app
def destroy(app: "RemoteApp", name: str, confirm: str | None) -> None:
    """Remove NAME, which is mounted nowhere, with all that is in it."""
    if confirm is None:
        say(f"This removes all that is in the storage {name} of {app.label}. Type its name to confirm:")
        confirm = sys.stdin.readline().strip()
    while not app.destroy_storage(name, confirm)["done"]:
        pass  # each answer took as long as the server had for it
    say(f"Destroyed the storage {name} of {app.label}.")


def spoken(rows: "list[Row]") -> str:
    """Name the storage of an app with its sizes, for a sentence; empty for none."""
    return ", ".join(f"{row['name']} ({_size(row)})" for row in rows)


def _readable(row: "Row") -> "Row":
    return {**row, "mounted_at": row["path"], "size": _size(row)}


def _size(row: "Row") -> str:
    return "size unknown" if row["size_bytes"] is None else sizes.shown(row["size_bytes"])
