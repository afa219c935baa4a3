"""Environments."""

import click

from stratum.cli.output import json_option, say, show
from stratum.cli.which import server


@click.group()
def environments() -> None:
    """List, create and destroy environments."""


@environments.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List them."""
    show(server().environments(), ("name", "stage", "start_all", "created_at"), as_json=as_json)


@environments.command()
@click.argument("name")
@click.option("--stage", default="production", show_default=True, help="Picks Procfile_STAGE.")
@click.option("--start-all", is_flag=True, help="Start every target at the first release, not only web.")
@json_option
def create(name: str, stage: str, start_all: bool, as_json: bool) -> None:
    """Create one."""
    made = server().create_environment(name, stage, start_all=start_all)
    say(f"Created the environment {made['name']} (stage {made['stage']}).")
    if as_json:
        show([made], (), as_json=True)


@environments.command()
@click.argument("name")
def destroy(name: str) -> None:
    """Destroy one that has no apps."""
    server().remove_environment(name)
    say(f"Destroyed the environment {name}.")
