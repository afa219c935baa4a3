"""Domains of an app's own."""

from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_option, say, show
from stratum.cli.which import for_app, for_subcommands

if TYPE_CHECKING:
    from stratum.client import RemoteApp


@click.group(invoke_without_command=True)
@for_subcommands
@json_option
@click.pass_context
def domains(ctx: click.Context, as_json: bool) -> None:
    """Have the app answer at names of its own; without a command they are listed."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_all, environment=None, app_name=None, as_json=as_json)


@domains.command("list")
@json_option
@for_app
def list_all(app: "RemoteApp", as_json: bool) -> None:
    """List them."""
    show(app.domains(), ("name",), as_json=as_json)


@domains.command()
@click.argument("name")
@for_app
def add(app: "RemoteApp", name: str) -> None:
    """Have the app answer at NAME, such as shop.example.com, too."""
    say(app.add_domain(name)["message"])


@domains.command()
@click.argument("name")
@for_app
def remove(app: "RemoteApp", name: str) -> None:
    """Have the app answer at NAME no more."""
    say(app.remove_domain(name)["message"])
