"""Maintenance: a page in an app's place while it runs on."""

from typing import TYPE_CHECKING

import click

from stratum.cli.output import say
from stratum.cli.which import for_app

if TYPE_CHECKING:
    from stratum.client import RemoteApp


@click.command()
@click.argument("wished", metavar="[on|off]", type=click.Choice(("on", "off")), required=False)
@for_app
def maintenance(app: "RemoteApp", wished: str | None) -> None:
    """Show the app's visitors a page instead of it (503), or tell whether that is on.

    Its processes run on, and are pushed to, scaled and configured as ever.
    """
    if wished is None:
        click.echo("on" if app.maintenance() else "off")
    else:
        say(app.set_maintenance(on=wished == "on")["message"])
