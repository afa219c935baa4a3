"""Web hooks: have an app deployed by what is pushed to a git server elsewhere."""

import json
from typing import TYPE_CHECKING

import click

from stratum.cli.given import token_from_file
from stratum.cli.output import json_option, safe, say, shortened, show
from stratum.cli.which import for_app, for_subcommands
from stratum.webhooks import Provider

if TYPE_CHECKING:
    from stratum.client import RemoteApp
    from stratum.client.http import Row

host_keys = click.option(
    "--host-key",
    "host_keys",
    multiple=True,
    metavar="KEY",
    help="What the source's SSH server must prove to have, as ssh-keyscan shows it.",
)
SHORT = 7  # letters of a commit
COLUMNS = ("id", "provider", "enabled", "branches", "paths", "clone_url")
STATUS_COLUMNS = ("kind", "commit", "branch", "build", "told", "told_at", "attempts", "next_at", "error")
DELIVERY_COLUMNS = ("number", "received_at", "webhook", "event", "branch", "verdict", "build", "reason")


@click.group(invoke_without_command=True)
@for_subcommands
@json_option
@click.pass_context
def webhooks(ctx: click.Context, as_json: bool) -> None:
    """Have the app deployed by pushes to a git server elsewhere; without a command they are listed."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_all, environment=None, app_name=None, as_json=as_json)


@webhooks.command("list")
@json_option
@for_app
def list_all(app: "RemoteApp", as_json: bool) -> None:
    """List them."""
    rows = app.webhooks.listed()
    show(rows if as_json else map(_readable, rows), COLUMNS, as_json=as_json)


@webhooks.command("show")
@click.argument("webhook_id", metavar="ID")
@json_option
@for_app
def show_one(app: "RemoteApp", webhook_id: str, as_json: bool) -> None:
    """Show one with its address and its deploy key; its secret is not shown again."""
    row = app.webhooks.show(webhook_id)
    if as_json:
        show([row], (), as_json=True)
        return
    for name, value in {**_readable(row), "address": _address(app, row)}.items():
        click.echo(f"{name.replace('_', ' ')}: {safe(str(value))}")


@webhooks.command()
@click.argument("provider", type=click.Choice([one.value for one in Provider]))
@click.argument("clone_url")
@click.option("--branch", "branches", multiple=True, metavar="PATTERN", help="Deploy these; ! excludes.")
@click.option("--path", "paths", multiple=True, metavar="PATTERN", help="Only if one of these files differs.")
@token_from_file("--token-file", "A token to fetch with; - for stdin.")
@click.option("--user", default="", help="Who the token belongs to, where the git server asks for it.")
@host_keys
@json_option
@for_app
def create(app: "RemoteApp", /, token: str, as_json: bool, **given: object) -> None:
    """Have pushes to the repository at CLONE_URL, of which PROVIDER tells, deploy the app.

    From then on its deploy branch is moved by the web hook alone. For an address of SSH, such as
    git@github.com:octo/app.git, a deploy key is made; it is to be added there.
    """
    made = app.webhooks.create({**given, "token": token})
    provider = made["provider"]
    say(f"Created a web hook of {app.label}. Give {provider} this address and this secret, shown only now:")
    if as_json:
        show([{**made, "address": _address(app, made)}], (), as_json=True)
        return
    click.echo(_address(app, made))
    click.echo(made["secret"])
    for key in made["host_keys"]:
        say(f"The source's server has the host key {key['fingerprint']}; see that this is right.")
    for key in made["deploy_keys"]:
        say("And add this deploy key there; it needs no right to write:")
        click.echo(key["key"])


@webhooks.command("set")
@click.argument("webhook_id", metavar="ID")
@click.option("--enable/--disable", "enabled", default=None, help="Take what it delivers, or refuse it.")
@click.option("--branch", "branches", multiple=True, metavar="PATTERN", help="In place of those there are.")
@click.option("--path", "paths", multiple=True, metavar="PATTERN", help="In place of those there are.")
@click.option("--any-branch", is_flag=True, help="Deploy what is pushed to any branch.")
@click.option("--any-path", is_flag=True, help="Whatever files differ.")
@click.option("--clone-url", help="Where the source is fetched from.")
@host_keys
@click.option("--statuses/--no-statuses", default=None, help="Tell its git server what becomes of commits.")
@click.option("--deployments/--no-deployments", default=None, help="Have builds be deployments on GitHub.")
@click.option("--wait-for-ci/--no-wait-for-ci", default=None, help="Deploy what its checks have found good.")
@click.option("--ci-limit-s", type=int, help="For so many seconds at most it waits for them.")
@token_from_file("--status-token-file", "A token for that; - for stdin.")
@click.option("--api-url", help="Where the API of its git server is, if not where the clone URL says.")
@for_app
def change(
    app: "RemoteApp",
    /,
    webhook_id: str,
    any_branch: bool,
    any_path: bool,
    token: str,
    **given: object,
) -> None:
    """Change one.

    A token for statuses switches them on; without one, they and deployments take the token to fetch with.
    """
    values = {name: value for name, value in given.items() if value is not None and value != ()}
    values |= {"branches": ["**"]} if any_branch else {}
    values |= {"paths": []} if any_path else {}
    values |= {"status_token": token} if token else {}
    say(app.webhooks.change(webhook_id, values)["message"])


@webhooks.command()
@click.argument("webhook_id", metavar="ID")
@click.option("--at-once", is_flag=True, help="Take nothing any more that is signed with the secret before.")
@json_option
@for_app
def rotate(app: "RemoteApp", webhook_id: str, at_once: bool, as_json: bool) -> None:
    """Give one another secret; the one before is taken for a day, too."""
    made = app.webhooks.rotate(webhook_id, at_once=at_once)
    say("This is the only time that it is shown:")
    if as_json:
        show([made], (), as_json=True)
    else:
        click.echo(made["secret"])


@webhooks.command("deploy-key")
@click.argument("webhook_id", metavar="ID")
@click.option("--another", is_flag=True, help="Make another; the one until now is kept, and used after it.")
@click.option("--forget-previous", is_flag=True, help="Use the current one alone from now on.")
@json_option
@for_app
def deploy_key(
    app: "RemoteApp", webhook_id: str, as_json: bool, another: bool, forget_previous: bool
) -> None:
    """Show the deploy key with which one fetches by SSH, as one line to paste."""
    if another and forget_previous:
        message = "--another and --forget-previous exclude each other."
        raise click.UsageError(message)
    if forget_previous:
        say(app.webhooks.forget_deploy_key(webhook_id)["message"])
    row = app.webhooks.add_deploy_key(webhook_id) if another else app.webhooks.show(webhook_id)
    keys = row["deploy_keys"]
    if as_json:
        show(keys, (), as_json=True)
    elif keys:
        click.echo(keys[0]["key"])
    else:
        say(f"{webhook_id} has none: its source is fetched by https.")


@webhooks.command()
@click.argument("webhook_id", metavar="ID")
@for_app
def destroy(app: "RemoteApp", webhook_id: str) -> None:
    """Remove one, with the record of what it has delivered."""
    say(app.webhooks.destroy(webhook_id)["message"])


@webhooks.command()
@click.argument("webhook_id", metavar="ID")
@click.option("--retry", is_flag=True, help="Tell now, once more, what could not be told.")
@json_option
@for_app
def statuses(app: "RemoteApp", webhook_id: str, retry: bool, as_json: bool) -> None:
    """List what its git server was told of commits."""
    if retry:
        say(f"{app.webhooks.retry_statuses(webhook_id)['statuses']} are told once more.")
        return
    rows = app.webhooks.statuses(webhook_id)
    show(rows if as_json else map(_brief, rows), STATUS_COLUMNS, as_json=as_json)


@webhooks.command()
@click.argument("number", type=int, required=False)
@json_option
@for_app
def deliveries(app: "RemoteApp", number: int | None, as_json: bool) -> None:
    """List what was delivered and what has become of it; with NUMBER one in full."""
    if number is None:
        rows = app.webhooks.deliveries()
        shown = rows if as_json else [_short(row, app.label) for row in rows]
        show(shown, DELIVERY_COLUMNS, as_json=as_json)
        return
    row = app.webhooks.delivery(number)
    if as_json:
        show([row], (), as_json=True)
    else:
        click.echo(safe(json.dumps(row, indent=2)))


@webhooks.command()
@click.argument("number", type=int)
@for_app
def replay(app: "RemoteApp", number: int) -> None:
    """Have the branch of delivery NUMBER fetched and deployed once more."""
    from stratum.buildlog import follow_command  # only once it has something to say

    made = app.webhooks.replay(number)
    number = made["delivery"]
    if made["build"] is None:
        reason = f" ({made['reason']})" if made["reason"] else ""
        say(f"Delivery {number} is {made['verdict']}{reason}: stratum webhooks deliveries {number}")
        return
    environment, name = made["app"].split("/")
    follow = follow_command(environment, name, made["build"])
    say(f"Delivery {number} is queued, for build {made['build']}: {follow}")


def _address(app: "RemoteApp", row: "Row") -> str:
    return f"{app.connection.url}{row['path']}"


def _readable(row: "Row") -> "Row":
    keys = {name: _keys(row[name]) for name in ("deploy_keys", "host_keys")}
    return {**row, "branches": " ".join(row["branches"]), "paths": " ".join(row["paths"]), **keys}


def _keys(keys: "list[Row]") -> str:
    return "".join(f"\n  {key['fingerprint']}: {key['key']}" for key in keys)


def _brief(row: "Row") -> "Row":
    return {**row, "commit": row["commit"][:SHORT], "error": shortened(row["error"])}


def _short(row: "Row", label: str) -> "Row":
    build, app = row["build"], row["app"]
    if build is not None and app is not None and app.lower() != label.lower():  # a review app's
        build = f"{app.partition('/')[2]}#{build}"
    return {**row, "build": build, "reason": shortened(row["reason"])}
