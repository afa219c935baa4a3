"""What is given to a command in a file, so that no list of processes shows it."""

from collections.abc import Callable
from typing import TypeVar

import click

MOST_BYTES = 1 << 16  # that are read: a file without an end is not waited for
_F = TypeVar("_F", bound=Callable[..., object])


def token_from_file(name: str, help_text: str) -> Callable[[_F], _F]:
    """Return an option that takes a file, or `-`; its command is given the `token` that is in it, or ``."""
    kind = click.Path(exists=True, dir_okay=False, allow_dash=True)
    return click.option(name, "token", type=kind, callback=_read, metavar="FILE", help=help_text)


def _read(ctx: click.Context, param: click.Parameter, path: str | None) -> str:
    if path is None:
        return ""
    with click.open_file(path, "rb") as file:
        given = file.read(MOST_BYTES)
    try:
        token: str = given.decode().strip()
    except UnicodeDecodeError as error:
        reason = "what is there is no text."
        raise click.BadParameter(reason, ctx, param) from error
    if not token:
        reason = "there is no token, nothing but blanks."
        raise click.BadParameter(reason, ctx, param)
    return token
