"""Review apps: an app for each pull request of the app's source."""

from typing import TYPE_CHECKING

import click

from stratum.cli.output import json_option, say, show
from stratum.cli.variables import assignments
from stratum.cli.which import for_app, for_subcommands

if TYPE_CHECKING:
    from stratum.client import RemoteApp
    from stratum.client.http import Row

COLUMNS = ("number", "status", "app", "url", "branch", "commit", "source", "updated_at")
SHOWN = 12  # digits of a commit


@click.group("review-apps", invoke_without_command=True)
@for_subcommands
@json_option
@click.pass_context
def reviews(ctx: click.Context, as_json: bool) -> None:
    """Give each pull request an app of its own; without a command they are listed."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_all, environment=None, app_name=None, as_json=as_json)


@reviews.command("list")
@json_option
@for_app
def list_all(app: "RemoteApp", as_json: bool) -> None:
    """List the pull requests that were told of, and their apps."""
    found = app.reviews.show()
    if as_json:
        show([found], (), as_json=True)
        return
    say(_said(found))
    show(map(_short, found["pull_requests"]), COLUMNS, as_json=False)


@reviews.command()
@click.option("--limit", "most", type=int, metavar="N", help="At most so many at once; at first 5.")
@click.option("--vars", "names", metavar="NAME,NAME", help="Lend them these variables of the app, no others.")
@click.option("--set", "values", multiple=True, metavar="NAME=VALUE", help="Give them this variable.")
@click.option(
    "--ttl", "ttl_days", type=int, metavar="DAYS", help="Destroy them after DAYS without news; 0: never."
)
@for_app
def enable(app: "RemoteApp", /, names: str | None, values: tuple[str, ...], **given: int | None) -> None:
    """Make an app for each pull request from now on; what is given here replaces what was given before."""
    wished: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if names is not None:
        wished["variables"] = [name.strip() for name in names.split(",") if name.strip()]
    if values:
        wished["values"] = assignments(values)
    say(app.reviews.change({**wished, "enabled": True})["message"])


@reviews.command()
@for_app
def disable(app: "RemoteApp") -> None:
    """Make no more; those that there are go when their pull requests are closed."""
    say(app.reviews.change({"enabled": False})["message"])


@reviews.command()
@click.argument("number", type=int)
@click.option(
    "--commit", default="", metavar="COMMIT", help="Only if it is at this one, which you looked at."
)
@click.option("--with-vars", is_flag=True, help="Lend it the variables that others are lent.")
@for_app
def approve(app: "RemoteApp", number: int, commit: str, with_vars: bool) -> None:
    """Build what pull request NUMBER, which comes from a fork, is at; what is pushed later waits again."""
    from stratum.buildlog import follow_command  # only once it has something to say

    made = app.reviews.approve(number, commit.lower(), with_variables=with_vars)
    how = "stratum webhooks deliveries"
    if made["build"] is not None:
        environment, name = made["app"].split("/")
        how = follow_command(environment, name, made["build"])
    say(f"Approved {made['commit'][:SHOWN]} of {made['source'] or 'a fork'}: {how}")


@reviews.command()
@click.argument("number", type=int)
@for_app
def destroy(app: "RemoteApp", number: int) -> None:
    """Destroy the app of pull request NUMBER; news of that make another."""
    answer = app.reviews.destroy(number)
    say(answer["message"] or f"The app of pull request {number} is being destroyed.")


def _said(found: "Row") -> str:
    if not found["enabled"]:
        return "Review apps are not enabled: stratum review-apps enable"
    lent = ", ".join([*found["variables"], *found["values"]]) or "none"
    ttl = (
        f"after {found['ttl_days']} days without news"
        if found["ttl_days"]
        else "with their pull requests alone"
    )
    return f"At most {found['limit']} at once; variables lent: {lent}; they go {ttl}."


def _short(row: "Row") -> "Row":
    return {**row, "commit": row["commit"][:SHOWN]}
