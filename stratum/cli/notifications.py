"""Who is told the app's news."""

from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_option, say, show
from stratum.cli.which import for_app, for_subcommands

if TYPE_CHECKING:
    from stratum.client import RemoteApp
    from stratum.client.http import Row

PATIENCE_S = 40.0  # more than one attempt takes
_LISTED = ("name", "channel", "url", "events", "enabled", "waiting", "dead")
_MESSAGES = ("id", "event", "status", "attempts", "created_at", "due_at", "finished_at")
_TRIES = ("at", "status", "seconds", "error", "answer")


@click.group(invoke_without_command=True)
@for_subcommands
@json_option
@click.pass_context
def notifications(ctx: click.Context, as_json: bool) -> None:
    """Tell others how builds and releases of the app went; without a command they are listed."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_all, environment=None, app_name=None, as_json=as_json)


@notifications.command("list")
@json_option
@for_app
def list_all(app: "RemoteApp", as_json: bool) -> None:
    """List who is told, and how many messages wait or could not be delivered."""
    rows = app.notifications().all()
    show(rows if as_json else map(_readable, rows), _LISTED, as_json=as_json)


@notifications.command()
@click.argument("name")
@click.argument("url")
@click.option("--on", "events", metavar="EVENT", multiple=True, help="Such as build.failed or release.*.")
@json_option
@for_app
def add(app: "RemoteApp", name: str, url: str, events: tuple[str, ...], as_json: bool) -> None:
    """Send the app's news to URL from now on, all or what --on says.

    To https://… it goes signed, to slack+https://… as Slack takes it, to mailto:… by mail.
    """
    made = app.notifications().add(name, url, events)
    say(f"News of {app.label} go to {made['url']}.")
    if made["secret"]:
        say("This is shown once; the receiver needs it to check signatures:")
    if as_json:
        show([made], _LISTED, as_json=True)
    elif made["secret"]:
        click.echo(made["secret"])
    say(f"Next: stratum notifications test {made['name']}")


@notifications.command("show")
@click.argument("name")
@json_option
@for_app
def describe(app: "RemoteApp", name: str, as_json: bool) -> None:
    """Describe NAME."""
    found = app.notifications().show(name)
    if as_json:
        show([found], _LISTED, as_json=True)
        return
    for key, value in _readable(found).items():
        click.echo(f"{key.replace('_', ' '):<12}{'-' if value in ('', None) else value}")


@notifications.command()
@click.argument("name")
@for_app
def enable(app: "RemoteApp", name: str) -> None:
    """Tell NAME the app's news again."""
    changed = app.notifications().switch(name, on=True)["changed"]
    say(f"{name} is told from now on." if changed else f"{name} is told already; nothing changed.")


@notifications.command()
@click.argument("name")
@for_app
def disable(app: "RemoteApp", name: str) -> None:
    """Tell NAME nothing; what still waits for it is given up, and can be replayed."""
    changed = app.notifications().switch(name, on=False)["changed"]
    say(f"{name} is told nothing any more." if changed else f"{name} is told nothing; nothing changed.")


@notifications.command()
@click.argument("name")
@for_app
def remove(app: "RemoteApp", name: str) -> None:
    """Tell NAME nothing, and forget it with its messages."""
    app.notifications().remove(name)
    say(f"Removed {name}.")


@notifications.command()
@click.argument("name")
@json_option
@for_app
def rotate(app: "RemoteApp", name: str, as_json: bool) -> None:
    """Give NAME a new secret; for a day the old one signs besides."""
    made = app.notifications().rotate(name)
    say(f"The old secret signs besides until {made['previous_until']}. The new one, shown once:")
    show([made], _LISTED, as_json=True) if as_json else click.echo(made["secret"])


@notifications.command()
@click.argument("name")
@json_option
@for_app
def test(app: "RemoteApp", name: str, as_json: bool) -> None:
    """Send NAME something, and say whether it has arrived; with --json all that is known of it."""
    found = app.notifications().test(name, PATIENCE_S)
    if as_json:
        show([found], _MESSAGES, as_json=True)
        return
    if not found["tries"]:
        say(
            f"Nothing was sent within {PATIENCE_S:.0f} s: stratum notifications attempts {name} {found['id']}"
        )
        raise SystemExit(1)
    last = found["tries"][-1]
    if last["error"]:
        say(f"It has not arrived: {last['error']}. It is tried again until a day has passed.")
        raise SystemExit(1)
    say(f"It has arrived (answered {last['status']} after {last['seconds']} s).")


@notifications.command()
@click.argument("name")
@click.option("--dead", is_flag=True, help="Only what could not be delivered.")
@click.option("-n", "--lines", type=click.IntRange(1, 500), default=50, show_default=True)
@json_option
@for_app
def messages(app: "RemoteApp", name: str, dead: bool, lines: int, as_json: bool) -> None:
    """List what was to be sent to NAME, newest first."""
    wanted = {"lines": str(lines), **({"state": "dead"} if dead else {})}
    show(app.notifications().messages(name, wanted), _MESSAGES, as_json=as_json)


@notifications.command()
@click.argument("name")
@click.argument("message")
@json_option
@for_app
def attempts(app: "RemoteApp", name: str, message: str, as_json: bool) -> None:
    """Show each attempt to deliver MESSAGE to NAME; with --json its text, too."""
    found = app.notifications().message(name, message)
    show([found] if as_json else found["tries"], _TRIES, as_json=as_json)


@notifications.command()
@click.argument("name")
@click.argument("message", required=False)
@click.option("--dead", is_flag=True, help="All that could not be delivered.")
@for_app
def replay(app: "RemoteApp", name: str, message: str | None, dead: bool) -> None:
    """Deliver MESSAGE, or all that --dead says, to NAME once more, under the same id."""
    if dead == (message is not None):
        hint = "Name a message, or give --dead; not both."
        raise click.UsageError(hint)
    told = app.notifications()
    count = told.replay_dead(name)["replayed"] if message is None else told.replay(name, message)["replayed"]
    say(f"{count} sent to {name} once more.")


def _readable(row: "Row") -> "Row":
    return {**row, "events": ", ".join(row["events"]) or "all"}
