"""Who calls the API and what of it they may reach: decided before a request's body is looked at.

Every address but `/healthz` needs a token, whether anything is there or not; those of repositories ask
for it themselves (`gitserver.git`), and answer as git shows it. An address of the API that names an
app (`<environment>/<app>`) needs the right to read it, for any method but GET that to deploy to it, and
where the app itself is meant (the blueprint `apps`), or one of its web hooks, or what is lent to review
apps, or what it keeps is removed, that to administer it; so no view can forget to ask.
"""

from flask import Flask, g, request

from gitserver.api import bodies
from gitserver.auth import may_in, may_see, refusal, require, seen, sees
from gitserver.services import services
from gitserver.signin import sign_in
from stratum.errors import Conflict, NotAllowed, NotFound, Renamed
from stratum.model import App, Environment, Grant, Right, Token
from stratum.store import Transaction, environments

# Blueprints whose views ask themselves: for a token, or a signature; or that tell everybody the same word.
OPEN = ("git", "deliveries", "health")
MAX_BODY_BYTES = 4 * 1024 * 1024


def register(app: Flask) -> None:
    """Ask these questions before every request of the app."""
    app.before_request(_authenticate)
    app.before_request(_find_app)


def caller() -> Token:
    """The token of this request."""
    token = g.token
    assert isinstance(token, Token)
    return token


def app_named() -> App:
    """The app that this request's address names; the caller has the right that the method needs."""
    app = g.app_named
    assert isinstance(app, App)
    return app


def again(tx: Transaction) -> App:
    """Read the named app once more, within the transaction that is to change it.

    Raises:
        NotFound: it has been destroyed since.
        Conflict: it is being destroyed.
    """
    found = environments.get_app(tx, app_named().id)
    if found is None:
        raise NotFound("app", _asked())
    _refuse_destroying(found)
    return found


def administrator(action: str) -> Token:
    """Return the caller's token if it is an administrator's.

    Args:
        action: what it is needed for: `create environments`.
    """
    if not caller().is_admin:
        raise NotAllowed(action, "some of this server")
    return caller()


def environment_named(tx: Transaction, name: str) -> Environment:
    """Find an environment of which the caller may see anything."""
    found = environments.find_environment(tx, name)
    if found is None or not may_see(caller(), found.id):
        raise NotFound("environment", name)
    return found


def environment_to_administer(tx: Transaction, name: str, action: str) -> Environment:
    """Find an environment all of which the caller administers.

    Args:
        action: what it is needed for: `create apps in it`.
    """
    found = environment_named(tx, name)
    if not may_in(caller(), found.id, None, Right.ADMIN):
        raise refusal(caller(), Grant(found.id, None, Right.ADMIN), name, action)
    return found


def visible_apps(tx: Transaction) -> list[App]:
    """List the apps that the caller may read."""
    return [app for app in environments.list_apps(tx) if sees(caller(), app)]


def visible_environments(tx: Transaction) -> list[Environment]:
    """List the environments of which the caller may see anything."""
    return [found for found in environments.list_environments(tx) if may_see(caller(), found.id)]


def _authenticate() -> None:
    if request.blueprint in OPEN:
        return
    request.max_content_length = MAX_BODY_BYTES
    g.token = sign_in(services(), request.environ)
    bodies.limit()


def _find_app() -> None:
    given = request.view_args or {}
    if "token" not in g or "environment" not in given or "app" not in given:
        return
    right = _needed()
    with services().database.read() as tx:
        found = seen(caller(), environments.find_app(tx, given["environment"], given["app"]))
        former = None if found else environments.find_former(tx, given["environment"], given["app"])
    if former is not None and sees(caller(), former):
        raise Renamed(_asked(), former.label, "Use that name.")
    g.app_named = require(caller(), found, right, name=_asked())
    if right is not Right.READ and request.method != "DELETE":
        _refuse_destroying(g.app_named)


def _needed() -> Right:
    if request.method in ("GET", "HEAD"):
        return Right.READ
    is_end = request.blueprint == "storage" and request.method == "DELETE"
    is_replay = request.endpoint == "webhooks.replay"  # the others make secrets, or say whose code runs
    is_own = request.blueprint in ("apps", "deploykeys", "webhooks") and not is_replay
    is_lending = request.endpoint == "reviews.change"
    return Right.ADMIN if is_own or is_end or is_lending else Right.DEPLOY


def _asked() -> str:
    given = request.view_args or {}
    return f"{given['environment']}/{given['app']}"


def _refuse_destroying(app: App) -> None:
    if app.destroying:
        message = f"{app.label} is being destroyed."
        raise Conflict(message, "Wait until it is gone.")
