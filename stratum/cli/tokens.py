"""Tokens, for those who administer the server, an environment or an app."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from stratum.cli.output import json_option, say, show
from stratum.cli.which import server
from stratum.errors import InvalidInput

COLUMNS = ("name", "admin", "grants", "created_by", "created_at", "last_used_at", "expires")
WHERE = "ENV[/APP]"
_DAYS = re.compile(r"([1-9][0-9]{0,4})d")


@click.group()
def tokens() -> None:
    """List, create and revoke tokens."""


@tokens.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List them, without their secrets."""
    found = server().tokens()
    rows = [{**row, "grants": _said(row["grants"]), "expires": _expiry(row)} for row in found]
    show(found if as_json else rows, COLUMNS, as_json=as_json)


def expiry(given: str, now: datetime) -> datetime:
    """Turn days or a date into a moment; a token holds throughout the date given, in UTC.

    Raises:
        ValueError, OverflowError: it is neither, or out of all bounds.
    """
    days = _DAYS.fullmatch(given)
    if days is not None:
        return now + timedelta(days=int(days[1]))
    return datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)


def _checked(_ctx: click.Context, _param: click.Parameter, given: str | None) -> str | None:
    try:
        return None if given is None else expiry(given, datetime.now(UTC)).isoformat()
    except (ValueError, OverflowError) as error:
        message = f"{given!r} is no time: give days, such as 90d, or a date, such as 2030-12-31."
        raise click.BadParameter(message) from error


@tokens.command()
@click.argument("name")
@click.option("--read", multiple=True, metavar=WHERE, help="May look, clone and fetch. Each may be repeated.")
@click.option("--push", multiple=True, metavar=WHERE, help="May push what does not deploy, too.")
@click.option("--deploy", multiple=True, metavar=WHERE, help="May deploy and change what runs, too.")
@click.option("--admin-of", multiple=True, metavar=WHERE, help="May change settings and make tokens, too.")
@click.option("--admin", is_flag=True, help="May do everything on this server.")
@click.option(
    "--expires", metavar="90d|DATE", callback=_checked, help="In days, or with the end of a day (UTC)."
)
@json_option
def create(name: str, admin: bool, expires: str | None, as_json: bool, **wanted: tuple[str, ...]) -> None:
    """Create one; its secret is printed now and never again."""
    rights = {"read": "read", "push": "push", "deploy": "deploy", "admin": "admin_of"}
    grants = [_grant(where, right) for right, option in rights.items() for where in wanted[option]]
    made = server().create_token(name, grants, admin=admin, expires_at=expires)
    until = f", and good until {made['expires_at']}" if made["expires_at"] else ""
    say(f"Created the token {name}; this is the only time it is shown{until}:")
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
    environment, slash, app = where.partition("/")
    if slash and not app:  # a variable that was empty, most likely; all of the environment is more
        message = f"{where!r} names no app."
        raise InvalidInput(message, f"Give {WHERE}; without the slash for all of the environment.")
    return {"environment": environment, "app": app or None, "right": right}


def _said(grants: list[dict[str, str | None]]) -> str:
    return ", ".join(
        f"{grant['right']} {'/'.join(filter(None, (grant['environment'], grant['app'])))}" for grant in grants
    )


def _expiry(row: dict[str, Any]) -> str:
    if row["expires_at"] is None:
        return "never"
    return f"expired {row['expires_at']}" if row["expired"] else str(row["expires_at"])
