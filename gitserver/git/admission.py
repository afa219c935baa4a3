"""Who asks at the address of a repository, and for which app."""

from dataclasses import dataclass

from werkzeug.wrappers import Request

from gitserver.auth import require, seen
from gitserver.git import renamed
from gitserver.services import Services
from gitserver.signin import sign_in
from stratum.model import App, Right, Token
from stratum.store import Transaction, Watched, environments


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address names.

    Attributes:
        app: without the suffix `.git`.
    """

    environment: str
    app: str
    request: Request


def admitted(services: Services, asked: Asked, right: Right) -> tuple[Token, App]:
    """Return the token of a request, and the app, on which it has the right.

    Raises:
        BadCredentials, TooManyAttempts: as `sign_in`, before anything else is said.
        Renamed: the app has another name by now.
        NotFound, NotAllowed: as `require`.
    """
    token = sign_in(services, asked.request.environ)
    database, environment, app = services.database, asked.environment, asked.app
    key = ("app", token.id, environment, app)

    def look_up(tx: Transaction) -> App | None:
        return seen(token, environments.find_app(tx, environment, app))

    found = database.known(key, look_up, until=Watched.ACCESS)
    if found is None:
        with database.read() as tx:
            renamed.refuse_former(tx, token, (environment, app), asked.request.host_url)
    if found is not None and found.destroying:
        found = None
    return token, require(token, found, right, name=f"{environment}/{app}")
