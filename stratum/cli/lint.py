"""Checking Procfile and app.json where they are written, by the code that checks a push; without a server."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from stratum import appjson
from stratum.cli.output import json_option, safe, say, show
from stratum.errors import AppJsonInvalid, StratumError
from stratum.names import checked_name
from stratum.procfile import Problem, read, stage_file

STDIN = "-"
MAX_READ = 16 << 20  # bytes; far more than is allowed, so that the number that is told is true


class Unreadable(StratumError):
    """There is nothing to check, or it cannot be read."""

    slug = "unreadable"


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in one file.

    Attributes:
        targets: those that it names.
    """

    name: str
    targets: tuple[str, ...]
    problems: tuple[Problem | appjson.Problem, ...] = ()
    warnings: tuple[Problem | appjson.Problem, ...] = ()

    def found(self) -> list[tuple[str, Problem | appjson.Problem]]:
        """List all with its severity, in the order of the lines."""
        both = {"error": self.problems, "warning": self.warnings}
        found = [(severity, problem) for severity, problems in both.items() for problem in problems]
        return sorted(found, key=lambda one: (one[1].line, one[1].column))


@click.command()
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--stage", metavar="STAGE", help="Look at what an environment of this stage would use.")
@json_option
@click.pass_context
def lint(ctx: click.Context, file: str | None, stage: str | None, as_json: bool) -> None:
    """Check a Procfile or an app.json: FILE, - for a Procfile on standard input, or those of this folder.

    Exits with 1 when a push would be rejected for it; warnings reject nothing.
    """
    if file and stage:
        message = "FILE and --stage both choose a file; give one of them."
        raise click.UsageError(message)
    checked = [_named(file)] if file else list(_here(stage))
    if as_json:
        show([row for one in checked for row in _rows(one)], (), as_json=True)
    else:
        _tell(checked)
    ctx.exit(1 if any(one.problems for one in checked) else 0)


def _named(file: str) -> Checked:
    if file == STDIN:
        return _procfile("Procfile", sys.stdin.buffer.read(MAX_READ))
    content = _content(Path(file))
    return _app_json(content) if Path(file).name == appjson.NAME else _procfile(safe(file), content)


def _here(stage: str | None) -> Iterable[Checked]:
    names = (*([stage_file(checked_name("a stage", stage))] if stage else []), "Procfile")
    chosen = next((Path(name) for name in names if Path(name).exists()), None)
    other = Path(appjson.NAME)
    is_there = other.exists() or other.is_symlink()  # to nothing: a push would be rejected for it
    if chosen is None and not is_there:
        message = f"There is no {' and no '.join(names)} in this folder."
        raise Unreadable(message, "It stands in the root of the repository; or name the file.")
    procfile = None if chosen is None else _procfile(chosen.name, _content(chosen))
    if procfile is not None:
        yield procfile
    if is_there:
        is_known = procfile is not None and not procfile.problems
        yield _app_json(_content(other), procfile.targets if procfile is not None and is_known else None)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_READ)
    except (OSError, ValueError) as error:  # the latter for a path that none can have
        message = f"{path} cannot be read: {getattr(error, 'strerror', None) or error}."
        raise Unreadable(message) from error


def _procfile(name: str, data: bytes) -> Checked:
    found = read(data, name)
    targets = tuple(target.name for target in found.targets)
    return Checked(name, targets, tuple(found.problems), tuple(found.warnings))


def _app_json(data: bytes, targets: Sequence[str] | None = None) -> Checked:
    """Check an app.json.

    Args:
        targets: those there are; None: not known.
    """
    try:
        found = appjson.parse(data)
    except AppJsonInvalid as error:
        problems = tuple(one for one in error.problems if isinstance(one, appjson.Problem))
        return Checked(appjson.NAME, (), problems)
    strangers = () if targets is None else found.strangers(targets)
    return Checked(appjson.NAME, tuple(found.settings), (), (*found.warnings, *strangers))


def _tell(checked: Sequence[Checked]) -> None:
    for one in checked:
        for severity, problem in one.found():
            click.echo("\n".join(problem.lines(f"{severity}: ")))
    if any(one.problems for one in checked):
        say("A push would be rejected.")
        return
    for one in checked:
        say(f"{one.name}: {', '.join(one.targets) or 'nothing of targets'}")


def _rows(checked: Checked) -> list[dict[str, object]]:
    return [
        {
            "severity": severity,
            "file": checked.name,
            "line": problem.line or None,
            "column": problem.column or None,
            "message": problem.said if isinstance(problem, appjson.Problem) else problem.message,
            "mend": problem.mend,
        }
        for severity, problem in checked.found()
    ]
