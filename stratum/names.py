"""Names of environments, apps and stages: DNS labels, kept as written, compared without case."""

import re

from stratum.errors import InvalidBranch, InvalidName

LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")

# Each is, or may come to be, a path or a host name of Stratum's own.
RESERVED = frozenset({"api", "hooks", "www", "git", "admin", "static", "auth", "login", "health", "stratum"})


def checked_branch(name: str) -> str:
    """Return the name of a branch if git would have it, without `refs/heads/`.

    Raises:
        InvalidName: git would refuse it (git-check-ref-format(1)).
    """
    from dulwich.refs import Ref, check_ref_format  # only those who choose a branch pay for the import

    ref = Ref(f"refs/heads/{name}".encode("utf-8", "replace"))
    if not name or name.startswith(("refs/", "-")) or not check_ref_format(ref):
        raise InvalidBranch(name)
    return name


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
