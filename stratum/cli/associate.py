"""Tying a git repository to an app."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stratum.cli import credentials
from stratum.cli.output import say
from stratum.cli.which import REMOTE, server
from stratum.errors import InvalidInput

if TYPE_CHECKING:
    from stratum.client import RemoteApp


@click.command()
@click.argument("environment")
@click.argument("app")
@click.argument("alias", required=False)
def associate(environment: str, app: str, alias: str | None) -> None:
    """Add the git remote `catalyze` for APP in ENVIRONMENT, and remember the app under ALIAS.

    The alias, which -E takes from anywhere, is the environment's name where none is given.
    """
    found = server().app(environment, app)
    shown = found.show()
    found = server().app(shown["environment"], shown["name"])
    chosen = alias or found.environment
    credentials.keep_association(chosen, found.connection.url, found.environment, found.name)
    say(f"{found.label} is associated as {chosen}: stratum -E {chosen} ps")
    if _git("rev-parse", "--git-dir").returncode:
        say("There is no git repository here, so no remote was added.")
        return
    _tie(found)


def _tie(app: "RemoteApp") -> None:
    """Point the remote at the app, and let git ask us for the token of that server."""
    former = _git("remote", "get-url", REMOTE)
    verb = "add" if former.returncode else "set-url"
    _must("remote", verb, REMOTE, app.git_url)
    if former.stdout.strip() not in ("", app.git_url):
        say(f"The remote {REMOTE} pointed at {former.stdout.strip()} before.")
    key = f"credential.{app.connection.url}.helper"
    # The empty value takes other helpers out: none of them is to be asked for, or to keep, this token.
    _must("config", "--local", "--replace-all", key, "")
    _must("config", "--local", "--add", key, helper())
    say(f"The git remote {REMOTE} is {app.git_url}. Deploy with: git push {REMOTE} master")


def helper() -> str:
    """What git has its shell run with an operation; `store`, which ends every push, is none of ours."""
    program = shlex.quote(str(_program()))
    return f'!f() {{ test "$1" = store || {program} git-credential "$@"; }}; f'


def _program() -> Path:
    """Our own program, in full: git runs the helper with whatever PATH it was given."""
    return Path(sys.executable).with_name("stratum")


def _must(*arguments: str) -> None:
    done = _git(*arguments)
    if done.returncode:
        message = f"git {' '.join(arguments[:2])} failed: {done.stderr.strip()}"
        raise InvalidInput(message)


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        message = "git is not installed, or not on PATH."
        raise InvalidInput(message) from error
