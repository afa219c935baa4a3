"""Who asks, and what they may do: for git and for the API alike.

The order of answers is part of the protection: without a valid token everything is
`BadCredentials`; with one, what the token has no right to is as absent as what does not exist
(`NotFound`); only who may read learns that writing is refused (`NotAllowed`).
"""

import logging

from werkzeug.datastructures import Authorization

from stratum.errors import BadCredentials, NotAllowed, NotFound, Unavailable
from stratum.model import App, Right, Token
from stratum.store import Database, tokens

log = logging.getLogger(__name__)

CHALLENGE = {"WWW-Authenticate": 'Basic realm="Stratum", charset="UTF-8"'}


def authenticate(db: Database, header: str | None) -> Token:
    """Find the token of a request: the password of Basic (any user name), or Bearer.

    Args:
        header: the request's Authorization header.

    Raises:
        BadCredentials: none given, malformed, or not known; the work is the same for all three.
    """
    with db.read() as tx:
        token = tokens.find_token(tx, _secret(header or ""))
    if token is None:
        raise BadCredentials
    if tokens.needs_mark(token):
        _mark_used(db, token)
    return token


def may_see(token: Token, environment_id: int, app_id: int | None = None) -> bool:
    """Whether the token has any right on an app; without `app_id`: on anything of the environment."""
    return token.is_admin or any(
        grant.environment_id == environment_id and (app_id is None or grant.app_id in (None, app_id))
        for grant in token.rights
    )


def may_write(token: Token, app: App) -> bool:
    """Whether the token may push to the app and change what runs of it."""
    return token.is_admin or any(
        grant.right is Right.WRITE
        and grant.environment_id == app.environment.id
        and grant.app_id in (None, app.id)
        for grant in token.rights
    )


def require(
    token: Token, app: App | None, right: Right, *, name: str, action: str = "change anything there"
) -> App:
    """Return the app if the token has the right on it.

    Args:
        app: what the look-up found.
        name: how the caller wrote it; the answer repeats only this, never what is stored.
        action: what a reader is told not to do: `push to it`.

    Raises:
        NotFound: no such app, or one that the token may not see.
        NotAllowed: the token may only read it.
    """
    if app is None or not may_see(token, app.environment.id, app.id):
        raise NotFound("app", name)
    if right is Right.WRITE and not may_write(token, app):
        raise NotAllowed(action, name)
    return app


def _secret(header: str) -> str:
    # Werkzeug 3.1 raises ValueError for `Basic ÿ`: b64decode refuses text that is not ASCII.
    authorization = Authorization.from_header(header) if header.isascii() else None
    if authorization is None:
        return ""
    if authorization.type == "basic":
        return authorization.password or ""
    return (authorization.token or "") if authorization.type == "bearer" else ""


def _mark_used(db: Database, token: Token) -> None:
    try:
        with db.write() as tx:
            tokens.mark_used(tx, token.id)
    except Unavailable as error:  # it is only a note; who reads should not fail for it
        log.warning("use of token %s was not noted: %s", token.name, error)
