"""Checking a Procfile where it is written, by the code that checks it at a push; no server is asked."""

import sys
from pathlib import Path

import click

from stratum.cli.output import json_option, safe, say, show
from stratum.errors import StratumError
from stratum.names import checked_name
from stratum.procfile import Problem, Reading, read, stage_file

STDIN = "-"
MAX_READ = 16 << 20  # bytes; far more than is allowed, so that the number that is told is true


class Unreadable(StratumError):
    """There is nothing to check, or it cannot be read."""

    slug = "unreadable"


@click.command()
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--stage", metavar="STAGE", help="Look at what an environment of this stage would use.")
@json_option
@click.pass_context
def lint(ctx: click.Context, file: str | None, stage: str | None, as_json: bool) -> None:
    """Check a Procfile: FILE, - for standard input, or the one of this folder.

    Exits with 1 when a push would be rejected for it; warnings reject nothing.
    """
    if file and stage:
        message = "FILE and --stage both choose a file; give one of them."
        raise click.UsageError(message)
    name, data = _given(file) if file else _chosen(stage)
    found = read(data, name)
    if as_json:
        show(_rows(found), (), as_json=True)
    else:
        _tell(name, found)
    ctx.exit(1 if found.problems else 0)


def _given(file: str) -> tuple[str, bytes]:
    if file == STDIN:
        return "Procfile", sys.stdin.buffer.read(MAX_READ)
    return safe(file), _content(Path(file))


def _chosen(stage: str | None) -> tuple[str, bytes]:
    names = (*([stage_file(checked_name("a stage", stage))] if stage else []), "Procfile")
    for name in names:
        if Path(name).exists():
            return name, _content(Path(name))
    message = f"There is no {' and no '.join(names)} in this folder."
    raise Unreadable(message, "It stands in the root of the repository; or name the file.")


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_READ)
    except (OSError, ValueError) as error:  # the latter for a path that none can have
        message = f"{path} cannot be read: {getattr(error, 'strerror', None) or error}."
        raise Unreadable(message) from error


def _tell(name: str, found: Reading) -> None:
    for severity, problem in _found(found):
        click.echo("\n".join(problem.lines(f"{severity}: ")))
    if found.problems:
        say("A push would be rejected.")
    else:
        say(f"{name}: {', '.join(target.name for target in found.targets)}")


def _rows(found: Reading) -> list[dict[str, object]]:
    return [
        {
            "severity": severity,
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "message": problem.message,
            "mend": problem.mend,
        }
        for severity, problem in _found(found)
    ]


def _found(reading: Reading) -> list[tuple[str, Problem]]:
    both = {"error": reading.problems, "warning": reading.warnings}
    found = [(severity, problem) for severity, problems in both.items() for problem in problems]
    return sorted(found, key=lambda one: (one[1].line, one[1].column))
