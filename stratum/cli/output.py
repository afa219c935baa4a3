"""How data is printed: columns for people, a list of objects with --json. Talk goes to stderr."""

import json
from collections.abc import Iterable, Mapping, Sequence

import click

from stratum.buildlog import harmless

json_option = click.option("--json", "as_json", is_flag=True, help="Print a JSON list of objects.")


def show(rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print rows, all of each as JSON or some columns of each as text."""
    if as_json:
        click.echo(json.dumps(list(rows), indent=2))
        return
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    for line in _aligned([[column.upper().replace("_", " ") for column in columns], *cells]):
        click.echo(line)


def say(text: str) -> None:
    """Tell the person something that is no data."""
    click.echo(safe(text), err=True)


def safe(text: str) -> str:
    """Take out what could move a terminal's cursor."""
    return harmless(text.encode("utf-8", "replace")).decode()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return "-"
    return safe(str(value)).replace("\n", " ")


def _aligned(lines: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
