"""How data is printed: columns for people, a list of objects with --json. Talk goes to stderr."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import click

CELL = 80  # characters of a text of any length in a table


def _is_asked_for(ctx: click.Context, _: click.Parameter, given: bool) -> bool:
    """Take it from before a subcommand, too: `vars --json set`."""
    return given or (ctx.parent is not None and bool(ctx.parent.params.get("as_json")))


json_option = click.option(
    "--json", "as_json", is_flag=True, callback=_is_asked_for, help="Print a JSON list of objects."
)
json_lines_option = click.option(
    "--json", "as_json", is_flag=True, callback=_is_asked_for, help="Print a JSON object for each line."
)


def show(rows: Iterable[Mapping[str, object]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print rows, all of each as JSON or some columns of each as text."""
    if as_json:
        click.echo(json.dumps(list(rows), indent=2))
        return
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    for line in _aligned([[column.upper().replace("_", " ") for column in columns], *cells]):
        click.echo(line)


def pass_on(chunks: Iterable[bytes], row: Callable[[str], Mapping[str, object]], *, as_json: bool) -> bool:
    """Print text as it comes, as it is or as a JSON object for each line; False when there was none."""
    some = False
    for chunk in _object_lines(chunks, row) if as_json else chunks:
        click.echo(chunk, nl=False)
        some = True
    return some


def whole_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of a text that comes in parts, without their ends."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in lines)
    if rest:
        yield rest.decode("utf-8", "replace")


def say(text: str) -> None:
    """Tell the person something that is no data."""
    click.echo(safe(text), err=True)


def shortened(text: str) -> str:
    """Cut a text so that a row of it stays a row; it is whole with --json."""
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


def safe(text: str) -> str:
    """Take out what could move a terminal's cursor."""
    from stratum.buildlog import harmless  # only once there is an answer to show

    return harmless(text.encode("utf-8", "replace")).decode()


def _object_lines(chunks: Iterable[bytes], row: Callable[[str], Mapping[str, object]]) -> Iterator[bytes]:
    return (json.dumps(row(line)).encode() + b"\n" for line in whole_lines(chunks))


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
