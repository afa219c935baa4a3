"""Who asks: the token of a request, for git and for the API alike."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from werkzeug.datastructures import Authorization

from gitserver.attempts import Attempt
from gitserver.services import Services
from stratum.errors import BadCredentials, TooManyAttempts
from stratum.model import Token
from stratum.store import Database, Watched, tokens
from stratum.store.clock import now

log = logging.getLogger(__name__)

# User names that stand for nobody: none, and the one that `stratum git-credential` gives for all.
NOBODY = ("", "stratum")
MAX_ACCOUNT = 63  # characters of a user name that are looked at, as many as a token's name has


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an Authorization header says; the secret alone decides."""

    account: str = ""
    secret: str = ""

    @classmethod
    def parse(cls, header: str) -> "Credentials":
        """Read the password of Basic (with any user name), or Bearer; what is neither has no secret."""
        # Werkzeug 3.1 raises ValueError for `Basic ÿ`: b64decode refuses text that is not ASCII.
        found = Authorization.from_header(header) if header.isascii() else None
        if found is None:
            return cls()
        if found.type == "basic":
            name = (found.username or "")[:MAX_ACCOUNT].lower()
            return cls("" if name in NOBODY else name, found.password or "")
        return cls(secret=(found.token or "") if found.type == "bearer" else "")


def sign_in(services: Services, environ: Mapping[str, object]) -> Token:
    """Return the token of a request.

    Raises:
        BadCredentials: none given, malformed, expired, or not known.
        TooManyAttempts: too many have failed lately; nothing was looked up.
    """
    header = str(environ.get("HTTP_AUTHORIZATION", ""))
    if not header:  # every git asks so first; it guesses nothing
        raise BadCredentials
    given, attempts = Credentials.parse(header), services.attempts
    attempt = Attempt(client_address(environ), given.account, tokens.digest(given.secret))
    with attempts.reserved(attempt) as wait_s:
        if wait_s > 0:
            raise TooManyAttempts(wait_s)
        try:
            token = authenticate(services.database, given.secret)
        except BadCredentials:
            closed_s = attempts.failed(attempt)
            if closed_s:
                log.warning("sign-ins from %s keep failing: refused for %.0f s", attempt.address, closed_s)
            raise
        attempts.succeeded(attempt)
    services.uses.note(token)
    return token


def authenticate(db: Database, secret: str) -> Token:
    """Find a token by its secret.

    Raises:
        BadCredentials: there is none, or it has expired; the work is the same for both.
    """
    key = ("token", tokens.digest(secret))
    token = db.known(key, lambda tx: tokens.find_token(tx, secret), until=Watched.ACCESS)
    if token is None or token.has_expired(now()):
        raise BadCredentials
    return token


def client_address(environ: Mapping[str, object]) -> str:
    """Return where a request comes from: an IPv4 address, or the network that one client has of IPv6.

    Whoever comes by our unix socket (gunicorn 27: no REMOTE_ADDR) is the router, which replaces the
    header by the address that it saw (Caddy 2.11); from anybody else it is worth nothing.
    """
    direct = str(environ.get("REMOTE_ADDR") or "")
    return _network(direct or str(environ.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip())


@lru_cache(maxsize=1024)  # a push asks twice
def _network(text: str) -> str:
    try:
        found = ip_address(text)
    except ValueError:
        return "unknown"
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{IPv6Address(int(found) >> 64 << 64)}/64"
