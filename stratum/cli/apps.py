"""Apps."""

import re
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from stratum import sizes
from stratum.cli import credentials
from stratum.cli.importing import import_
from stratum.cli.output import json_option, say, show
from stratum.cli.storage import spoken
from stratum.cli.waiting import finish, until_gone
from stratum.cli.which import REMOTE, app_called, environment_name, environment_option, server

if TYPE_CHECKING:
    from stratum.client import RemoteApp

SETTINGS = ("setting", "value")
LIMITS = ("max_push_bytes", "max_repo_bytes")
SERVERS = "server: as the server has it"
COLUMNS = ("environment", "name", "url", "destroying", "created_at")


@click.group()
def apps() -> None:
    """List, create, change and destroy apps."""


apps.add_command(import_)


@apps.command("list")
@environment_option
@json_option
@click.pass_context
def list_all(ctx: click.Context, environment: str | None, as_json: bool) -> None:
    """List them, or those of one environment."""
    show(server().apps(environment_name(ctx, environment)), COLUMNS, as_json=as_json)


@apps.command()
@click.argument("name")
@environment_option
@click.option(
    "--deploy-branch", metavar="BRANCH", help="Default: the first of master and main that is pushed."
)
@json_option
@click.pass_context
def create(
    ctx: click.Context, name: str, environment: str | None, deploy_branch: str | None, as_json: bool
) -> None:
    """Create one."""
    where = environment_name(ctx, environment)
    if where is None:
        message = "Missing option '-E', the environment."
        raise click.UsageError(message)
    made = server().create_app(where, name, deploy_branch)
    say(f"Created {made['environment']}/{made['name']}: {made['url']}, once pushed.")
    say(f"Next, in its git repository: stratum associate {made['environment']} {made['name']}")
    if as_json:
        show([made], (), as_json=True)


@apps.command("show")
@click.argument("name")
@environment_option
@json_option
@click.pass_context
def describe(ctx: click.Context, name: str, environment: str | None, as_json: bool) -> None:
    """Show one: its settings, its size, what runs."""
    found = app_called(ctx, name, environment).show()
    if as_json:
        show([found], (), as_json=True)
        return
    show([{"setting": what, "value": value} for what, value in _told(found)], SETTINGS, as_json=False)


@apps.command("set")
@click.argument("name")
@environment_option
@click.option("--deploy-branch", metavar="BRANCH", help="The branch that deploys.")
@click.option(
    "--gate", type=click.Choice(("build", "none")), help="build: refs move once the build succeeded."
)
@click.option(
    "--protect/--no-protect", "protected", default=None, help="The deploy branch only moves forward."
)
@click.option(
    "--supersede-running/--no-supersede-running",
    default=None,
    help="A push gives up the build that runs, too.",
)
@click.option(
    "--plain-http/--no-plain-http", default=None, help="Answer by HTTP, too, where there is a certificate."
)
@click.option("--max-push", "max_push_bytes", metavar="SIZE", help=f"Largest push, as 200M; {SERVERS}.")
@click.option("--quota", "max_repo_bytes", metavar="SIZE", help=f"Largest repository, as 2G; {SERVERS}.")
@click.option("--max-processes", metavar="N", help=f"Most processes at once; for administrators; {SERVERS}.")
@click.option(
    "--roll-back-within",
    "roll_back_within_s",
    metavar="SECONDS",
    help="Go back from a new release that crash-loops within this time; off: never.",
)
@click.pass_context
def change(ctx: click.Context, /, name: str, environment: str | None, **given: object) -> None:
    """Change settings of one: what is said of pushes holds from the next one on."""
    wished = {what: _parsed(what, value) for what, value in given.items() if value is not None}
    if not wished:
        message = "Say what to set."
        raise click.UsageError(message)
    app = app_called(ctx, name, environment)
    found = app.change(wished)
    say(f"{app.label}: {_spoken(found)}")


@apps.command()
@click.argument("old")
@click.argument("new")
@environment_option
@json_option
@click.pass_context
def rename(ctx: click.Context, old: str, new: str, environment: str | None, as_json: bool) -> None:
    """Call the app OLD something else; what runs is rolled out again under NEW."""
    before = app_called(ctx, old, environment)
    done = before.change({"name": new})
    app = server(before.connection.url).app(done["environment"], done["name"])
    was = {"url": app.connection.url, "environment": app.environment, "app": before.name}
    for alias, known in credentials.associations().items():
        if known == was:
            credentials.keep_association(alias, was["url"], was["environment"], app.name)
    if done["changed"]:
        say(f"{app.environment}/{old} is now {app.label}, and at {done['url']} once it runs.")
        say(f"In its git repositories: git remote set-url {REMOTE} {app.git_url}")
    finish(app, done, as_json=as_json)


@apps.command()
@click.argument("name")
@environment_option
@click.option("--confirm", metavar="NAME", help="The name once more, instead of being asked for it.")
@click.pass_context
def destroy(ctx: click.Context, name: str, environment: str | None, confirm: str | None) -> None:
    """Destroy one: processes, route, repository, releases, logs, storage, and its review apps."""
    app = app_called(ctx, name, environment)
    app.show()
    going = _going_with(app)
    if confirm is None:
        say(f"This ends {app.label} and removes all that is kept of it{going}. Type its name to confirm:")
        confirm = sys.stdin.readline().strip()
    change = app.destroy(confirm)
    until_gone(app, change["rollout"])
    say(f"Destroyed {app.label}{going}.")


def _going_with(app: "RemoteApp") -> str:
    """Name what goes with an app and what nobody may have thought of; empty for nothing."""
    storage = spoken(app.storage())
    reviews = ", ".join(row["app"] for row in app.reviews.show()["pull_requests"] if row["app"])
    found = (("storage", storage), ("review apps", reviews))
    going = " and ".join(f"its {what}: {names}" for what, names in found if names)
    return f", with {going}" if going else ""


def _parsed(what: str, value: object) -> object:
    if what in LIMITS:
        return _size(str(value))
    if what == "max_processes":
        return _count(str(value))
    return _seconds(str(value)) if what == "roll_back_within_s" else value


def _seconds(text: str) -> int | None:
    if text == "off":
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        message = f"{text!r} is no time to roll back within: give whole seconds, as 300, or off."
        raise click.UsageError(message)
    return int(text)


def _count(text: str) -> int | None:
    if text == "server":
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        message = f"{text!r} is no number of processes: give a whole one, as 20, or server."
        raise click.UsageError(message)
    return int(text)


def _size(text: str) -> int | None:
    return None if text == "server" else sizes.parsed(text)


def _told(found: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Name each thing as the option that sets it, where there is one."""
    limits = found["limits"]
    yield "app", f"{found['environment']}/{found['name']}"
    yield "url", found["url"]
    yield "release", None if found["release"] is None else f"v{found['release']}"
    yield "deploy branch", found["deploy_branch"]
    yield "gate", found["gate"]
    yield "protected", found["protected"]
    yield "supersede running", found["supersede_running"]
    yield "maintenance", found["maintenance"]
    yield "plain http", found["plain_http"]
    yield "roll back within", _time(found["roll_back_within_s"])
    yield "max push", _limit(limits["push_bytes"], found["max_push_bytes"])
    yield "quota", _limit(limits["repo_bytes"], found["max_repo_bytes"])
    yield "max processes", str(limits["processes"]) + _whose(found["max_processes"])
    yield "repository", sizes.shown(found["repo_bytes"])


def _told_of_rollback(seconds: int | None) -> list[str]:
    return [] if seconds is None else [f"goes back from a release that crash-loops within {seconds} s"]


def _time(seconds: int | None) -> str:
    return "off" if seconds is None else f"{seconds} s"


def _limit(in_force: int, own: int | None) -> str:
    return sizes.shown(in_force) + _whose(own)


def _whose(own: int | None) -> str:
    return " (the server's)" if own is None else ""


def _spoken(found: Mapping[str, Any]) -> str:
    """Say the settings in one line."""
    branch = found["deploy_branch"] or "the first of master and main that is pushed"
    said = [
        f"deploys {branch}",
        f"gate {found['gate']}",
        "protected" if found["protected"] else "not protected",
        *(["running builds give way to newer pushes"] if found["supersede_running"] else []),
        *(["answers by HTTP as well as by HTTPS"] if found["plain_http"] else []),
        *_told_of_rollback(found["roll_back_within_s"]),
    ]
    limits = found["limits"]
    said.append(
        f"pushes of up to {sizes.shown(limits['push_bytes'])}, {sizes.shown(limits['repo_bytes'])} in all"
    )
    said.append(f"processes: {limits['processes']} at most")
    return "; ".join(said) + "."
