"""Tokens, for administrators."""

import click

from stratum.cli.output import json_option, say, show
from stratum.cli.which import server


@click.group()
def tokens() -> None:
    """List, create and revoke tokens."""


@tokens.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List them, without their secrets."""
    found = server().tokens()
    rows = found if as_json else [{**row, "grants": _said(row["grants"])} for row in found]
    show(rows, ("name", "admin", "grants", "created_at", "last_used_at"), as_json=as_json)


@tokens.command()
@click.argument("name")
@click.option("--read", multiple=True, metavar="ENV[/APP]", help="May look; may be given several times.")
@click.option("--write", multiple=True, metavar="ENV[/APP]", help="May push and change, too.")
@click.option("--admin", is_flag=True, help="May do everything.")
@json_option
def create(name: str, read: tuple[str, ...], write: tuple[str, ...], admin: bool, as_json: bool) -> None:
    """Create one; its secret is printed now and never again."""
    grants = [*(_grant(where, "read") for where in read), *(_grant(where, "write") for where in write)]
    made = server().create_token(name, grants, admin=admin)
    say(f"Created the token {name}; this is the only time it is shown:")
    if as_json:
        show([made], (), as_json=True)
    else:
        click.echo(made["token"])


@tokens.command()
@click.argument("name")
def revoke(name: str) -> None:
    """Revoke one at once."""
    server().revoke_token(name)
    say(f"Revoked the token {name}.")


def _grant(where: str, right: str) -> dict[str, object]:
    environment, _, app = where.partition("/")
    return {"environment": environment, "app": app or None, "right": right}


def _said(grants: list[dict[str, str | None]]) -> str:
    return ", ".join(
        f"{grant['right']} {'/'.join(filter(None, (grant['environment'], grant['app'])))}" for grant in grants
    )
