"""Tokens and their rights. Only SHA-256 digests are kept: a token is 160 random bits, not a password."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.exc import IntegrityError

from stratum.errors import AlreadyExists
from stratum.model import Grant, Right, Token
from stratum.secrets import new_secret
from stratum.store import tables as t
from stratum.store.clock import now
from stratum.store.database import Transaction
from stratum.store.prepared import AnyRow, Prepared
from stratum.store.rows import added

USED_RESOLUTION = timedelta(minutes=1)  # `last_used_at` is no reason to write at every request

_BY_DIGEST = Prepared(select(t.tokens).where(t.tokens.c.sha256 == bindparam("digest")))
_BY_NAME = Prepared(select(t.tokens).where(t.tokens.c.name == bindparam("name")))
_GRANTS = Prepared(select(t.grants).where(t.grants.c.token_id == bindparam("token")))


def add_token(
    tx: Transaction,
    name: str,
    *,
    is_admin: bool,
    grants: tuple[Grant, ...] = (),
    secret: str = "",
    expires_at: datetime | None = None,
    created_by: str = "",
) -> str:
    """Create a token and return its secret, which is kept nowhere.

    Args:
        secret: one made before with `new_secret`; empty: make one.

    Raises:
        AlreadyExists: the name is taken.
    """
    secret = secret or new_secret()
    row = {
        "name": name,
        "sha256": digest(secret),
        "is_admin": is_admin,
        "created_at": now(),
        "expires_at": expires_at,
        "created_by": created_by,
    }
    try:
        token_id = added(tx, t.tokens, row)
    except IntegrityError as error:
        raise AlreadyExists("token", name) from error
    for grant in grants:
        values = {"environment_id": grant.environment_id, "app_id": grant.app_id, "right": grant.right.value}
        added(tx, t.grants, {"token_id": token_id, **values})
    return secret


def find_token(tx: Transaction, secret: str) -> Token | None:
    """Find a token that has not expired by its secret.

    The look-up is by digest, so its timing tells nothing of the secret.
    """
    row = _BY_DIGEST.one(tx, {"digest": digest(secret)})
    found = None if row is None else _token(tx, row)
    return None if found is None or found.has_expired(now()) else found


def get_token(tx: Transaction, name: str) -> Token | None:
    """Find a token by its name, expired or not."""
    row = _BY_NAME.one(tx, {"name": name})
    return None if row is None else _token(tx, row)


def list_tokens(tx: Transaction) -> list[Token]:
    """All, also expired ones, by name."""
    return [_token(tx, row) for row in tx.execute(select(t.tokens).order_by(t.tokens.c.name)).all()]


def needs_mark(token: Token) -> bool:
    """Whether `mark_used` would write."""
    return token.last_used_at is None or now() - token.last_used_at > USED_RESOLUTION


def mark_used(tx: Transaction, token_id: int) -> None:
    """Record that a token was used now."""
    tx.execute(update(t.tokens).where(t.tokens.c.id == token_id).values(last_used_at=now()))


def remove_token(tx: Transaction, name: str) -> bool:
    """Revoke a token; whether there was one."""
    return tx.execute(delete(t.tokens).where(t.tokens.c.name == name)).rowcount == 1


def digest(secret: str) -> str:
    """Return what stands for a secret wherever it is kept or looked for."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(tx: Transaction, row: AnyRow) -> Token:
    rows = _GRANTS.rows(tx, {"token": row.id})
    grants = tuple(Grant(grant.environment_id, grant.app_id, Right(grant.right)) for grant in rows)
    return Token(
        row.id,
        row.name,
        bool(row.is_admin),
        row.created_at,
        row.last_used_at,
        grants,
        row.expires_at,
        row.created_by,
    )
