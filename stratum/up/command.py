"""The commands `stratum up` and `stratum down`."""

import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

import click

from stratum.door.fencing import fences
from stratum.settings import Settings
from stratum.up.address import shown
from stratum.up.start import Started, start
from stratum.up.stop import stop

_MOST_NAMED = 10

DATA = click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder of everything Stratum keeps; default: STRATUM_DATA, else .stratum here.",
)


def _settings(data: Path | None) -> Settings:
    settings = Settings.from_env()
    return replace(settings, data=data) if data else settings


@click.command()
@DATA
@click.option(
    "--listen", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT", help="The one public port."
)
@click.option(
    "--detach", is_flag=True, help="Return when the port answers; the server stays in the background."
)
def up(data: Path | None, listen: str, detach: bool) -> None:
    """Start Stratum."""
    settings = _settings(data)
    started = start(settings, listen)
    _tell(started)
    if not detach:
        _stay(started, settings)


@click.command()
@DATA
def down(data: Path | None) -> None:
    """Stop Stratum and everything it runs."""
    settings = _settings(data)
    was_running = stop(settings)
    click.echo("Stratum has stopped." if was_running else "Stratum was not running.", err=True)


def _tell(started: Started) -> None:
    instance = started.instance
    click.echo(
        f"Stratum is up at http://{shown(instance.listen)} (data in {instance.layout.data}).", err=True
    )
    if started.admin_token:
        click.echo(f"Administrator's token, shown once (also in {instance.layout.admin_token}):", err=True)
        click.echo(started.admin_token)
    if not instance.fence.fenced:
        click.echo(
            "Started as an ordinary user: all apps share this account (see `stratum status`).", err=True
        )
    if started.orphans:
        click.echo(orphans_text([name for _, _, name in started.orphans]), err=True)
    missing = (fences.read(instance.layout.fences) or fences.NONE).missing
    if missing:
        named = ", ".join(sorted(missing))
        click.echo(f"Builds lack their own {named}: see `stratum status`.", err=True)


def orphans_text(names: Sequence[str]) -> str:
    """Say what a run that was killed had left; the names are what the processes said of themselves."""
    count = "1 process" if len(names) == 1 else f"{len(names)} processes"
    listed = sorted({ascii(name)[1:-1] for name in names if name})
    named = ", ".join(listed[:_MOST_NAMED])
    end = ", …" if len(listed) > _MOST_NAMED else "."
    return f"Ended {count} that an earlier run had left{': ' if named else ''}{named}{end}"


def _stay(started: Started, settings: Settings) -> None:
    """Wait for supervisord's end; end everything in order on SIGINT or SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        click.echo("Press Ctrl-C to stop.", err=True)
        code = started.process.wait()
    except InterruptedError:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        stop(settings)
        started.process.wait()
        return
    raise SystemExit(code)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise InterruptedError
