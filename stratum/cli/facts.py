"""One thing in full, a line for each fact: what a table of one row would be too wide for."""

from collections.abc import Iterable

import click

from stratum.cli.output import safe


def tell(facts: Iterable[tuple[str, object]]) -> None:
    """Print `name  value` for each fact that has a value; further lines of a value below its first."""
    found = [(name, safe(str(value)).splitlines() or [""]) for name, value in facts if value]
    width = max(len(name) for name, _ in found)
    for name, (first, *rest) in found:
        click.echo(f"{name.ljust(width)}  {first}")
        for line in rest:
            click.echo(f"{' ' * width}  {line}")
