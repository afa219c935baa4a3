"""What is told of processes that are crash-looping, below the table of all."""

from collections.abc import Iterable, Mapping
from typing import Any

import click

from stratum.cli.output import safe


def quote(crashes: Iterable[Mapping[str, Any]]) -> None:
    """Print what keeps ending, with its last lines."""
    from stratum.buildlog import INDENT  # only once there is an answer to show

    for crash in crashes:
        click.echo(f"\n{safe(crash['message'])}")
        for line in crash["lines"]:
            click.echo(f"{INDENT}{safe(line)}")
        if not crash["lines"]:
            click.echo(f"{INDENT}(it has printed nothing)")


def tell(notes: Iterable[str]) -> None:
    """Print what there is to know of the release, once."""
    for note in dict.fromkeys(filter(None, notes)):
        click.echo(f"\n{safe(note)}")
