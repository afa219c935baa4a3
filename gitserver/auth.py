"""What a token may do: for git and for the API alike.

The order of answers is part of the protection: without a valid token everything is
`BadCredentials`; with one, what the token has no right to is as absent as what does not exist
(`NotFound`); only who may read learns that more is refused (`NotAllowed`).
"""

from collections.abc import Iterator, Mapping

from stratum.errors import NotAllowed, NotFound
from stratum.model import App, Grant, Right, Token

MAY: Mapping[Right, str] = {
    Right.READ: "read",
    Right.PUSH: "push to",
    Right.DEPLOY: "deploy to",
    Right.ADMIN: "administer",
}
_REFUSED: Mapping[Right, str] = {
    Right.READ: "read it",
    Right.PUSH: "push to it",
    Right.DEPLOY: "change what runs there",
    Right.ADMIN: "administer it",
}


def may(token: Token, app: App, right: Right) -> bool:
    """Whether the token has a right on an app, by itself or within a greater one.

    Who has it on the app that a review app was made for has it there, too.
    """
    return any(may_in(token, app.environment.id, app_id, right) for app_id in _ids(app))


def may_in(token: Token, environment_id: int, app_id: int | None, right: Right) -> bool:
    """Whether the token has a right on an app, or without `app_id` on the whole environment."""
    return token.is_admin or any(
        held.includes(right) for held in _held(token, Grant(environment_id, app_id, right))
    )


def may_see(token: Token, environment_id: int, app_id: int | None = None) -> bool:
    """Whether the token has any right on an app; without `app_id`: on anything of the environment."""
    return token.is_admin or any(
        grant.environment_id == environment_id and (app_id is None or grant.app_id in (None, app_id))
        for grant in token.rights
    )


def sees(token: Token, app: App) -> bool:
    """Whether the token has any right on an app, or on the one that it was made for as a review app."""
    return any(may_see(token, app.environment.id, app_id) for app_id in _ids(app))


def seen(token: Token, app: App | None) -> App | None:
    """Return what a look-up found if the token sees it.

    Else the caller goes on as if there were none: an answer that comes sooner would tell that there is.
    """
    return app if app is not None and sees(token, app) else None


def administers(token: Token, grants: tuple[Grant, ...]) -> bool:
    """Whether each of some rights is on what the token administers; for a token without any: no."""
    return token.is_admin or (
        bool(grants)
        and all(may_in(token, grant.environment_id, grant.app_id, Right.ADMIN) for grant in grants)
    )


def require(token: Token, app: App | None, right: Right, *, name: str, action: str = "") -> App:
    """Return the app if the token has the right on it.

    Args:
        app: what the look-up found.
        name: how the caller wrote it; the answer repeats only this, never what is stored.
        action: what is refused, if the right says it too vaguely: `push to it`.

    Raises:
        NotFound: no such app, or one that the token may not see.
        NotAllowed: the token may see it, but has not this right.
    """
    if app is None or not sees(token, app):
        raise NotFound("app", name)
    if not may(token, app, right):
        where = app.id if may_see(token, app.environment.id, app.id) else _ids(app)[-1]
        raise refusal(token, Grant(app.environment.id, where, right), name, action)
    return app


def refusal(token: Token, wanted: Grant, name: str, action: str = "") -> NotAllowed:
    """Return the error for a token that lacks a right on what it may see."""
    held = max(_held(token, wanted), key=tuple(Right).index, default=Right.READ)
    return NotAllowed(action or _REFUSED[wanted.right], name, MAY[held])


def _ids(app: App) -> tuple[int, ...]:
    return (app.id,) if app.review is None else (app.id, app.review.parent_id)


def _held(token: Token, wanted: Grant) -> Iterator[Right]:
    """Yield the rights that a token has on the app or the environment of a grant."""
    for grant in token.rights:
        if grant.environment_id == wanted.environment_id and grant.app_id in (None, wanted.app_id):
            yield grant.right
