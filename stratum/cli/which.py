"""Which server and which app a command is about."""

import functools
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Concatenate, ParamSpec
from urllib.parse import urlsplit

import click

from stratum.cli import credentials
from stratum.cli.environ import client_environ
from stratum.errors import InvalidInput

if TYPE_CHECKING:  # `--help` needs no client
    from stratum.client import RemoteApp, Server

P = ParamSpec("P")
REMOTE = "catalyze"
HOW = (
    "Name it: stratum -E ENVIRONMENT -A APP …, or tie a repository to it: stratum associate ENVIRONMENT APP."
)

environment_option = click.option(
    "-E", "environment", metavar="ENV", help="Environment, or alias of an associated app."
)
app_option = click.option("-A", "app_name", metavar="APP", help="App within the environment.")


@dataclass(frozen=True, slots=True)
class Place:
    """An app and its server."""

    url: str
    environment: str
    app: str


def server(url: str | None = None) -> "Server":
    """Return the server at a URL, or the current one.

    Raises:
        InvalidInput: not signed in there, or nowhere.
    """
    from stratum.client import Server

    chosen = url or credentials.current_url()
    if chosen is None:
        message = "You are not signed in anywhere."
        raise InvalidInput(message, "Sign in with: stratum login URL.")
    token = credentials.token_for(chosen)
    if token is None:
        message = f"You are not signed in to {chosen}."
        raise InvalidInput(message, f"Sign in with: stratum login {chosen}.")
    return Server.at(chosen, token)


def for_app(command: "Callable[Concatenate[RemoteApp, P], None]") -> Callable[P, None]:
    """Give a command the options -E and -A, and the app they mean as its first argument."""

    @environment_option
    @app_option
    @click.pass_context
    @functools.wraps(command)
    def with_app(
        ctx: click.Context,
        /,
        environment: str | None,
        app_name: str | None,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        given = ctx.find_root().obj
        command(find_app(environment or given.environment, app_name or given.app), *args, **kwargs)

    return with_app  # type: ignore[return-value]  # click calls it with the options added here


def environment_name(ctx: click.Context, given: str | None) -> str | None:
    """Return the environment meant by -E, be it given before or after the command."""
    name = given or ctx.find_root().obj.environment
    place = None if name is None else _alias(name)
    return name if place is None else place.environment


def find_app(environment: str | None, app: str | None) -> "RemoteApp":
    """Find the app meant.

    Args:
        environment: environment or alias, as given with -E.
        app: as given with -A.

    Raises:
        InvalidInput: it cannot be told which is meant.
    """
    if environment is None and app is not None:
        message = "-A needs -E, the environment."
        raise InvalidInput(message, HOW)
    place = _here() if environment is None else _named(environment, app)
    return server(place.url).app(place.environment, place.app)


def for_subcommands(group: "Callable[P, None]") -> Callable[P, None]:
    """Give a group of commands about an app the options -E and -A, which hold for its subcommands, too."""

    @environment_option
    @app_option
    @click.pass_context
    @functools.wraps(group)
    def with_options(
        ctx: click.Context,
        /,
        environment: str | None,
        app_name: str | None,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        root = ctx.find_root()
        given = root.obj
        root.obj = replace(given, environment=environment or given.environment, app=app_name or given.app)
        group(*args, **kwargs)

    return with_options  # type: ignore[return-value]  # click calls it with the options added here


def app_called(ctx: click.Context, name: str, environment: str | None) -> "RemoteApp":
    """Find the app of a name: in the environment of -E, else in that of the app we are at.

    Raises:
        InvalidInput: it cannot be told which environment is meant.
    """
    where = environment_name(ctx, environment)
    if where is not None:
        return find_app(where, name)
    here = find_app(None, None)
    return server(here.connection.url).app(here.environment, name)


def _named(environment: str, app: str | None) -> Place:
    alias = _alias(environment)
    if alias is not None:
        return alias if app is None else Place(alias.url, alias.environment, app)
    url = server().url
    return Place(url, environment, app or _only_app(environment))


def _alias(name: str) -> Place | None:
    """Find an association by its alias, or by `ENV-APP` as the old documents write it."""
    known = credentials.associations()
    found = known.get(name) or next(
        (one for one in known.values() if f"{one['environment']}-{one['app']}" == name), None
    )
    return None if found is None else _reachable(Place(**found))


def _reachable(place: Place) -> Place:
    """STRATUM_URL overrules where an association points to."""
    given = client_environ().get("STRATUM_URL")
    return Place(credentials.checked_url(given), place.environment, place.app) if given else place


def _only_app(environment: str) -> str:
    found = [str(app["name"]) for app in server().apps(environment)]
    if len(found) == 1:
        return found[0]
    message = f"The environment {environment!r} has {len(found)} apps that you may use"
    names = f": {', '.join(found)}." if found else "."
    raise InvalidInput(message + names, f"Say which: stratum -E {environment} -A APP …")


def _here() -> Place:
    """The app of the repository we are in, else the only one associated."""
    place = _of_repository()
    if place is not None:
        return _reachable(place)
    known = {Place(**found) for found in credentials.associations().values()}
    if len(known) == 1:
        return _reachable(known.pop())
    message = "It is not clear which app you mean."
    raise InvalidInput(message, HOW)


def _of_repository() -> Place | None:
    argv = ["git", "remote", "get-url", REMOTE]
    try:
        git = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except FileNotFoundError:
        return None
    with git:
        import stratum.client  # noqa: F401 - takes longer than git, and is needed next

        said, _ = git.communicate()
    parts = urlsplit(said.strip())
    environment, _, repository = parts.path.strip("/").partition("/")
    if git.returncode or not repository.endswith(".git") or "/" in repository:
        return None
    url = credentials.checked_url(f"{parts.scheme}://{parts.netloc}")
    return Place(url, environment, repository.removesuffix(".git"))
