"""Signing in and out, who one is, and how the server is."""

import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import click

from stratum.cli import credentials
from stratum.cli.environ import client_environ
from stratum.cli.output import json_option, safe, say, show
from stratum.cli.which import server
from stratum.errors import InvalidInput
from stratum.sizes import shown


@click.command()
@click.argument("url")
@click.option("--token", help="The token; default: STRATUM_TOKEN, else it is asked for, or read from stdin.")
def login(url: str, token: str | None) -> None:
    """Sign in to the server at URL."""
    from stratum.client import Server

    address = credentials.checked_url(url)
    secret = (token or client_environ().get("STRATUM_TOKEN") or _asked()).strip()
    if not secret.isascii() or not secret.isprintable() or not secret:
        message = "That is no token."
        raise InvalidInput(message, "It is one line of letters and digits.")
    who = Server.at(address, secret).whoami()
    credentials.keep_token(address, secret)
    say(f"Signed in to {address} as {who['name']}.")


def _asked() -> str:
    if sys.stdin.isatty():
        answer: str = click.prompt("Token", hide_input=True, err=True)
        return answer
    return sys.stdin.readline()


@click.command()
@click.argument("url", required=False)
def logout(url: str | None) -> None:
    """Forget the token of the server at URL, or of the current one."""
    address = credentials.checked_url(url) if url else credentials.current_url()
    if address is None or not credentials.forget_token(address):
        message = f"You are not signed in{f' to {address}' if address else ''}."
        raise InvalidInput(message)
    say(f"Signed out of {address}.")


@click.command()
@json_option
def whoami(as_json: bool) -> None:
    """Show the token in use and its rights."""
    here = server()
    who = {**here.whoami(), "url": here.url}
    if as_json:
        show([who], (), as_json=True)
        return
    click.echo(f"{who['name']} at {here.url}{', administrator' if who['admin'] else ''}")
    for grant in who["grants"]:
        where = "/".join(filter(None, (grant["environment"], grant["app"])))
        click.echo(f"may {grant['right']} {where}")


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Show which parts of the server answer."""
    here = server()
    found = {**here.status(), "url": here.url}
    if as_json:
        show([found], (), as_json=True)
        return
    counts = ", ".join(f"{name} {count}" for name, count in found["counts"].items())
    click.echo(f"Stratum {found['version']} at {here.url}: {counts}")
    show(found["parts"], ("part", "up"), as_json=False)
    click.echo(found["note"] or "Fenced: services, apps and their builds have accounts of their own.")
    for line in (*_of_builds(found["builds"]), *_of_queue(found.get("queue")), *_of_disk(found.get("disk"))):
        click.echo(line)


def _of_builds(builds: Mapping[str, Any]) -> Iterator[str]:
    """Tell what keeps builds apart, and what does not."""
    if builds["fences"]:
        yield f"Builds have their own: {', '.join(builds['fences'])}."
    for name, reason in builds["missing"].items():
        yield safe(f"Builds lack their own {name}: {reason}.")
    if builds["refused"]:
        yield safe(builds["refused"])


def _of_queue(queue: Mapping[str, int] | None) -> Iterator[str]:
    """Tell what is being built; silent when nothing is, or where an older server does not say."""
    if queue is None:
        return
    if queue["running"] or queue["queued"]:
        oldest = f", the oldest for {timedelta(seconds=queue['oldest_s'])}" if queue["queued"] else ""
        yield f"Builds: {queue['running']} running, {queue['queued']} queued{oldest}."


def _of_disk(disk: Mapping[str, Any] | None) -> Iterator[str]:
    if disk is None:
        return
    free, total = shown(disk["free_bytes"]), shown(disk["total_bytes"])
    yield f"Disk: {free} of {total} free."
    if disk["lack"]:
        yield safe(f"No build begins: {disk['lack']}")
