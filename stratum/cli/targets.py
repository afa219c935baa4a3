"""How targets are kept: showing it, and changing it in place of app.json."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_option, show
from stratum.cli.which import for_app, for_subcommands
from stratum.errors import UnknownTarget

if TYPE_CHECKING:
    from stratum.client import RemoteApp
    from stratum.client.http import Row

COLUMNS = ("target", "key", "value", "source", "note")


@click.command()
@click.argument("target", required=False, metavar="[TARGET]")
@json_option
@for_app
def explain(app: "RemoteApp", target: str | None, as_json: bool) -> None:
    """Show what is in force for TARGET, or for all, and whether app.json, the API or nobody said so."""
    rows = app.explain()
    _show(rows if target is None else _of(target, rows), as_json=as_json)


@click.group()
@for_subcommands
def targets() -> None:
    """Change how targets are kept; stratum explain shows it."""


@targets.command("set")
@click.argument("target")
@click.argument("settings", nargs=-1, required=True, metavar="KEY=VALUE...")
@json_option
@for_app
def set_(app: "RemoteApp", target: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Keep TARGET so from its next rollout on, whatever app.json says: strategy=overlap."""
    _show(app.tell(target, _parsed(settings)), as_json=as_json)


@targets.command()
@click.argument("target")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@json_option
@for_app
def unset(app: "RemoteApp", target: str, keys: tuple[str, ...], as_json: bool) -> None:
    """Keep TARGET as app.json says, or as by default."""
    _show(app.tell(target, dict.fromkeys(keys)), as_json=as_json)


def _of(target: str, rows: "list[Row]") -> "list[Row]":
    """Keep what is said of a target.

    Raises:
        UnknownTarget: the current release makes no processes of it.
    """
    known = dict.fromkeys(row["target"] for row in rows)
    if target not in known:
        raise UnknownTarget(target, tuple(known))
    return [row for row in rows if row["target"] == target]


def _show(rows: "list[Row]", *, as_json: bool) -> None:
    show(rows, COLUMNS, as_json=as_json)


def _parsed(settings: Iterable[str]) -> dict[str, object]:
    wanted: dict[str, object] = {}
    for given in settings:
        key, equals, value = given.partition("=")
        if not equals or not key:
            message = f"{given!r} is not KEY=VALUE."
            raise click.UsageError(message)
        wanted[key] = value
    return wanted
