"""The web process: git over HTTP and the JSON API in one application."""

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from apiflask import APIFlask
from werkzeug.routing import Rule

from gitserver import deliveries, errors, health, transfers
from gitserver.api import BLUEPRINTS, access
from gitserver.git.routes import blueprint as git_blueprint
from gitserver.git.site import GitSite
from gitserver.services import Services
from stratum.instance import Instance


class _Address(Rule):
    """One that is only matched: to build it werkzeug (3.1) would compile two functions, for all 28 ms."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        return _not_built


def _not_built(*_: object, **_values: object) -> NoReturn:
    message = "Addresses of this application are matched, and not built."
    raise NotImplementedError(message)


Called = TypeVar("Called", bound=Callable[..., Any])


class _App(APIFlask):
    """Without what Flask does at each call for views that are coroutines: ours are none."""

    def ensure_sync(self, func: Called) -> Called:
        """Call it as it is; Flask looks five times a request, by `inspect`, whether it is a coroutine."""
        return func


def create_app(instance: Instance) -> APIFlask:
    """Make the application; its database must be migrated (`stratum.store.migrate`)."""
    # APIFlask 3.1 says str; Flask, to which it hands it on, takes None for none.
    app = _App("gitserver", enable_openapi=False, static_folder=None)  # type: ignore[arg-type]
    app.url_rule_class = _Address
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
    services = Services.of(instance)
    services.keep_in(app)
    errors.register(app)
    access.register(app)
    transfers.register(app, services.places)
    app.register_blueprint(git_blueprint(services))
    app.register_blueprint(deliveries.blueprint)
    app.register_blueprint(health.blueprint)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.wsgi_app = GitSite(app, app.wsgi_app)  # type: ignore[assignment,method-assign]  # as Flask's documentation has it
    return app
