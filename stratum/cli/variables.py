"""The app's variables."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_option, safe, show
from stratum.cli.waiting import finish
from stratum.cli.which import for_app, for_subcommands
from stratum.errors import InvalidVariable

if TYPE_CHECKING:
    from stratum.client import RemoteApp


@click.group("vars", invoke_without_command=True)
@for_subcommands
@json_option
@click.pass_context
def variables(ctx: click.Context, as_json: bool) -> None:
    """List, set and unset the app's variables; without a command they are listed."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_all, environment=None, app_name=None, as_json=as_json)


@variables.command("list")
@json_option
@for_app
def list_all(app: "RemoteApp", as_json: bool) -> None:
    """List them as NAME=value; --json keeps every byte."""
    found = app.variables()
    if as_json:
        show(found, (), as_json=True)
        return
    for row in found:
        value = "(hidden from readers)" if row["value"] is None else row["value"]
        click.echo(safe(f"{row['name']}={value}"))


@variables.command("set")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option(
    "--file", "files", multiple=True, metavar="NAME=PATH", help="Take a value from a file; - is stdin."
)
@json_option
@for_app
def set_values(app: "RemoteApp", values: tuple[str, ...], files: tuple[str, ...], as_json: bool) -> None:
    """Set some; the app's processes are started anew with them."""
    if not values and not files:
        message = "Give NAME=VALUE, or --file NAME=PATH."
        raise click.UsageError(message)
    wanted = {
        **assignments(values),
        **_encodable({name: _content(name, path) for name, path in _split(files)}),
    }
    finish(app, app.edit_variables(wanted), as_json=as_json)


@variables.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@json_option
@for_app
def unset(app: "RemoteApp", names: tuple[str, ...], as_json: bool) -> None:
    """Unset some; the app's processes are started anew without them."""
    finish(app, app.edit_variables({}, names), as_json=as_json)


def assignments(pairs: Iterable[str]) -> dict[str, str]:
    """Read NAME=VALUE words.

    Raises:
        UsageError: one is none.
        InvalidVariable: the terminal passed what is no text.
    """
    return _encodable(dict(_split(pairs)))


def _split(pairs: Iterable[str]) -> Iterable[tuple[str, str]]:
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            message = f"{pair!r} is not NAME=VALUE."
            raise click.UsageError(message)
        yield name, value


def _content(name: str, path: str) -> str:
    """Read a value; every byte counts, a final newline too."""
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return data.decode()
    except OSError as error:
        raise InvalidVariable(name, f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidVariable(name, f"{path} is no UTF-8 text") from error


def _encodable(values: dict[str, str]) -> dict[str, str]:
    """Refuse what the terminal passed that is no text (surrogates in argv)."""
    for name, value in values.items():
        try:
            f"{name}={value}".encode()
        except UnicodeEncodeError as error:
            reason = "its value is no UTF-8 text"
            raise InvalidVariable(name.encode("utf-8", "replace").decode(), reason) from error
    return values
