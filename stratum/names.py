"""Names of environments, apps and stages: DNS labels, kept as written, compared without case."""

import re

from stratum.errors import InvalidName

LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")

# Each is, or may come to be, a path or a host name of Stratum's own.
RESERVED = frozenset({"api", "hooks", "www", "git", "admin", "static", "auth", "login", "health", "stratum"})


def checked_name(kind: str, name: str) -> str:
    """Return the name if it may be used.

    Args:
        kind: with its article, for the message: `an app`.

    Raises:
        InvalidName: it is no DNS label (RFC 1123, 63 octets), or reserved.
    """
    if not name:
        raise InvalidName(kind, name, "it is empty")
    if not LABEL.fullmatch(name):
        raise InvalidName(kind, name, "it is no DNS label")
    if name.lower() in RESERVED:
        raise InvalidName(kind, name, "it is reserved", "Choose another name.")
    return name
