"""Apps."""

import sys

import click

from stratum.cli.output import json_option, say, show
from stratum.cli.waiting import until_gone
from stratum.cli.which import environment_name, environment_option, find_app, server

COLUMNS = ("environment", "name", "url", "destroying", "created_at")


@click.group()
def apps() -> None:
    """List, create and destroy apps."""


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


@apps.command("deploy-branch")
@click.argument("name")
@click.argument("branch")
@environment_option
@click.pass_context
def deploy_branch(ctx: click.Context, name: str, branch: str, environment: str | None) -> None:
    """Choose the branch that deploys, from the next push on."""
    where = environment_name(ctx, environment)
    app = find_app(where, name if where else None)
    app.choose_branch(branch)
    say(f"{app.label} deploys {branch} from the next push on.")


@apps.command()
@click.argument("name")
@environment_option
@click.option("--confirm", metavar="NAME", help="The name once more, instead of being asked for it.")
@click.pass_context
def destroy(ctx: click.Context, name: str, environment: str | None, confirm: str | None) -> None:
    """Destroy one: processes, route, repository, releases, logs."""
    where = environment_name(ctx, environment)
    app = find_app(where, name if where else None)
    app.show()
    if confirm is None:
        say(f"This ends {app.label} and removes all that is kept of it. Type its name to confirm:")
        confirm = sys.stdin.readline().strip()
    change = app.destroy(confirm)
    until_gone(app, change["rollout"])
    say(f"Destroyed {app.label}.")
