"""Domains of an app's own: what may be one. Pure.

Names are kept as the router meets them: in lower case, in ASCII (IDNA 2008 with the mapping of UTS 46,
as browsers do), without the full stop of the root.
"""

import re
from collections.abc import Collection

import idna

from stratum.errors import InvalidDomain

MAX_DOMAINS = 100  # of an app; each is a name that the router compares
MAX_GIVEN = 1000
_ASCII = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
_MAX_LENGTH = 253  # RFC 1035, without the root


def checked_domain(given: str, apps_domain: str, control_hosts: Collection[str]) -> str:
    """Return the name as the router meets it, if it may be an app's.

    Args:
        control_hosts: names under which Stratum itself is reached, without ports.

    Raises:
        InvalidDomain: it is no name of a host with at least two labels, or one of Stratum's own.
    """
    name = _in_ascii(given)
    if name == apps_domain.lower() or name.endswith(f".{apps_domain.lower()}"):
        reason = f"what ends with {apps_domain} is the server's to give"
        raise InvalidDomain(given, reason, "Every app has an address there anyway: stratum apps list")
    if name in {host.lower().removesuffix(".") for host in control_hosts}:
        raise InvalidDomain(given, "Stratum itself is reached there", "Choose another name for the app.")
    return name


def listed_hosts(text: str) -> tuple[str, ...]:
    """Split names with commas between, as a setting has them."""
    return tuple(name.strip().lower() for name in text.split(",") if name.strip())


def _in_ascii(given: str) -> str:
    if "*" in given:
        reason = "a wildcard stands for names that may be anybody's"
        raise InvalidDomain(given, reason, "Add each name by itself.")
    try:
        # What is longer cannot be one, and takes IDNA's time.
        text = given if len(given) <= MAX_GIVEN else ""
        name = idna.encode(text.removesuffix("."), uts46=True, std3_rules=True).decode().lower()
    except UnicodeError:  # of which IDNAError is one
        name = ""
    if len(name) > _MAX_LENGTH or not _ASCII.fullmatch(name):
        raise InvalidDomain(given, "it is no name of a host with at least two labels")
    return name
