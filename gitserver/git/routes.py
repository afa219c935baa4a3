"""All addresses of a repository but those that git asks: `/<environment>/<app>.git/…`, or without `.git`.

Every answer to a person is one line of plain text, which git shows.
"""

from typing import NoReturn

from flask import Blueprint, abort, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from gitserver.git import addresses, lines
from gitserver.git.admission import Asked, admitted
from gitserver.git.repos import install_hooks
from gitserver.services import Services, services
from stratum.errors import StratumError
from stratum.model import Right

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def blueprint(of: Services) -> Blueprint:
    """Make the routes; to be registered without a prefix."""
    install_hooks(of.instance)
    found = Blueprint("git", __name__)
    found.record(addresses.tell)
    for rule in ("/<path:rest>", "/"):
        found.add_url_rule(
            f"/<environment:environment>/<repository:app>{rule}",
            view_func=refuse,
            methods=METHODS,
            provide_automatic_options=False,
            strict_slashes=False,
        )
    found.register_error_handler(StratumError, _told)
    found.register_error_handler(HTTPException, lines.refused)
    return found


def refuse(environment: str, app: str, rest: str = "") -> NoReturn:
    """Answer: first of all, who asks?"""
    admitted(services(), Asked(environment, app, request), Right.READ)
    said = f"{rest} is not served" if rest else "There is no page here"
    abort(404, f"{said}: use git's smart HTTP protocol.")


def _told(error: StratumError) -> Response:
    answer = lines.told(error)
    if answer is None:
        raise error
    return answer
