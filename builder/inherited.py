"""What builds are given of the server's own environment, and what of it may be said to nobody."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from stratum.door.wayout import rules
from stratum.settings import inherited_environ

# What the server was given to reach package indexes with, for the installers.
_NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "UV_HTTP_TIMEOUT", *rules.VARIABLES)
_BETWEEN = re.compile(r"[\s,]+")


def environ() -> dict[str, str]:
    """Read it."""
    return inherited_environ(*_NAMES)


def credentials(found: Mapping[str, str]) -> dict[str, str]:
    """Name → what signs in, of the addresses in variables, one form of it a line, as `Mask` takes it."""
    lines = {name: "\n".join(_signing_in(found[name])) for name in rules.VARIABLES if name in found}
    return {name: text for name, text in lines.items() if text}


def _signing_in(value: str) -> Iterator[str]:
    for entry in _BETWEEN.split(value):
        pair, at, _ = entry.rpartition("@")
        if at:
            yield entry
            user, _, password = pair.rpartition("://")[2].partition(":")
            yield from (password or user, unquote(password or user))
