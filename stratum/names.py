"""Names of environments, apps and stages: DNS labels, kept as written, compared without case."""

import re

from stratum.errors import InvalidBranch, InvalidName

LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")

# Each is, or may come to be, a path or a host name of Stratum's own.
RESERVED = frozenset({"api", "hooks", "www", "git", "admin", "static", "auth", "login", "health", "stratum"})

MAX_PART_BYTES = 250  # of a file's name 255 are allowed, and git adds ".lock" (git 2.39, lockfile.h)
MAX_REF_BYTES = 1000  # of a path 4,095 (PATH_MAX, linux/limits.h), with the repository's own
MAX_REF_PARTS = 50  # whoever lists refs goes down their folders, one call within the other (dulwich 1.2)


def is_too_long(ref: str) -> bool:
    """Whether no repository here can hold a ref of this name, which is given in full."""
    name = ref.encode("utf-8", "replace")
    parts = name.split(b"/")
    return len(name) > MAX_REF_BYTES or len(parts) > MAX_REF_PARTS or max(map(len, parts)) > MAX_PART_BYTES


def checked_branch(name: str) -> str:
    """Return the name of a branch if git would have it, without `refs/heads/`.

    Raises:
        InvalidBranch: git would refuse it (git-check-ref-format(1)), or a push of it would be.
    """
    from dulwich.refs import Ref, check_ref_format  # only those who choose a branch pay for the import

    ref = f"refs/heads/{name}"
    is_good = check_ref_format(Ref(ref.encode("utf-8", "replace"))) and not is_too_long(ref)
    if not name or name.startswith(("refs/", "-")) or not is_good:
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
