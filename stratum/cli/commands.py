"""The tree of commands. Each is imported when it is used, so that help and short ones stay quick."""

import importlib
from dataclasses import dataclass
from typing import Any

import click

from stratum.errors import StratumError

# name: (module, attribute, what it does)
COMMANDS = {
    "login": ("stratum.cli.session", "login", "Sign in to a server."),
    "logout": ("stratum.cli.session", "logout", "Forget the token of a server."),
    "whoami": ("stratum.cli.session", "whoami", "Show who you are there."),
    "status": ("stratum.cli.session", "status", "Show how the server's parts are."),
    "environments": ("stratum.cli.environments", "environments", "List, create and destroy environments."),
    "apps": ("stratum.cli.apps", "apps", "List, create, change and destroy apps."),
    "associate": ("stratum.cli.associate", "associate", "Tie this git repository to an app."),
    "lint": ("stratum.cli.lint", "lint", "Check a Procfile, without a server."),
    "worker": ("stratum.cli.formation", "worker", "Launch a Procfile target as a worker."),
    "scale": ("stratum.cli.formation", "scale", "Show or set how many processes targets have."),
    "explain": ("stratum.cli.targets", "explain", "Show how targets are kept, and who said so."),
    "targets": ("stratum.cli.targets", "targets", "Change how targets are kept."),
    "pause": ("stratum.cli.pauses", "pause", "Have targets at rest; their scales are remembered."),
    "resume": ("stratum.cli.pauses", "resume", "End a pause: just what ran before runs again."),
    "ps": ("stratum.cli.formation", "ps", "List the app's processes."),
    "maintenance": ("stratum.cli.maintenance", "maintenance", "Show visitors a page instead of the app."),
    "events": ("stratum.cli.events", "events", "Show what became of the app's processes."),
    "notifications": (
        "stratum.cli.notifications",
        "notifications",
        "Tell others how builds and releases went.",
    ),
    "domains": ("stratum.cli.domains", "domains", "Have the app answer at names of its own."),
    "logs": ("stratum.cli.logs", "logs", "Show what the app's processes write."),
    "vars": ("stratum.cli.variables", "variables", "List, set and unset the app's variables."),
    "storage": ("stratum.cli.storage", "storage", "Keep folders of the app over releases."),
    "releases": ("stratum.cli.releases", "releases", "List the app's releases."),
    "rollback": ("stratum.cli.releases", "rollback", "Go back to an earlier release."),
    "redeploy": ("stratum.cli.builds", "redeploy", "Build the current commit again."),
    "builds": ("stratum.cli.builds", "builds", "List the app's builds, show a build's log."),
    "buildpacks": ("stratum.cli.buildpacks", "buildpacks", "List and update the app's buildpacks."),
    "webhooks": ("stratum.cli.webhooks", "webhooks", "Have pushes elsewhere deploy the app."),
    "review-apps": ("stratum.cli.reviews", "reviews", "Give each pull request an app of its own."),
    "tokens": ("stratum.cli.tokens", "tokens", "List, create and revoke tokens."),
    "up": ("stratum.up.command", "up", "Start a server on this machine."),
    "down": ("stratum.up.command", "down", "Stop it and everything it runs."),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was given before the command."""

    environment: str | None
    app: str | None


class Commands(click.Group):
    """Imports a command when it is used, and turns our errors into one sentence and exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List all without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, does) for name, (_, _, does) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except StratumError as error:
            for line in filter(None, (error.message, error.hint)):
                click.echo(line, err=True)
            ctx.exit(1)


@click.group(cls=Commands)
@click.option("-E", "environment", metavar="ENV", help="Environment, or alias of an associated app.")
@click.option("-A", "app", metavar="APP", help="App within the environment.")
@click.version_option(package_name="stratum")
@click.pass_context
def stratum(ctx: click.Context, environment: str | None, app: str | None) -> None:
    """Git push in, supervised processes out."""
    ctx.obj = Chosen(environment, app)
