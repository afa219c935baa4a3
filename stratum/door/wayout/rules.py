"""What a way out leads to, as the operator has set it up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from stratum.door.wayout import hosts, upstream
from stratum.door.wayout.hosts import Hosts
from stratum.door.wayout.upstream import Upstream

# What the server passes on to the door, and to the installers that builds run.
VARIABLES = (*hosts.INDEXES, *upstream.VARIABLES, "no_proxy", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class Rules:
    """Hosts that may be reached, and through what.

    Attributes:
        folders: of this machine, which the operator has named as indexes.
        unread: entries of STRATUM_BUILD_HOSTS that are none.
    """

    hosts: Hosts
    upstream: Upstream | None = None
    folders: tuple[Path, ...] = ()
    unread: tuple[str, ...] = field(default=())

    @classmethod
    def read(cls, listed: str, environ: Mapping[str, str]) -> Self:
        """Read STRATUM_BUILD_HOSTS and the variables of VARIABLES."""
        allowed, unread = hosts.read(listed, environ)
        paths = (url.path for url in hosts.urls(environ) if url.scheme in {"", "file"})
        folders = tuple(Path(path) for path in paths if path.startswith("/"))
        return cls(allowed, upstream.find(environ), folders, tuple(unread))
