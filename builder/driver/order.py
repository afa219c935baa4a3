"""What the driver is asked, and what it answers: JSON, on the socket that is its standard input."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

CHANNEL = 0
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Asked:
    """A buildpack to use: a built-in one by name, or one of a repository, at a commit if it is pinned."""

    name: str = ""
    url: str = ""
    ref: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One compilation.

    Attributes:
        mark: what a line begins with that the log shows as ours (`Narration.live`); nobody else knows it.
        commit: id of what is built.
        request: names the build.
        asked: the buildpacks in order; empty: the first of `detected` that fits.
        detected: built-in ones in the order of detection, with the files of which each needs one.
        variables: the app's own.
        cache_bytes: what the app's cache may take of the disk.
        wants_processes: there is no Procfile, so the last buildpack's defaults are needed.
    """

    mark: str
    commit: str
    request: str
    asked: tuple[Asked, ...]
    detected: Mapping[str, Sequence[str]]
    variables: Mapping[str, str]
    cache_bytes: int
    no_cache: bool = False
    wants_processes: bool = False

    def encode(self) -> bytes:
        """As `read` takes it."""
        return json.dumps(asdict(self)).encode()


@dataclass(frozen=True, slots=True)
class Used:
    """A buildpack that was used."""

    name: str
    url: str = ""
    ref: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it.

    Attributes:
        processes: what the last buildpack's bin/release printed: YAML.
        advice: what the last one says about why it knows no way to start the app.
        failure: what failed: `doing`, `mend`, and `detail` where no program's exit code tells it.
    """

    buildpacks: tuple[Used, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)
    site: str = ""
    processes: str = ""
    advice: str = ""
    failure: Mapping[str, str] | None = None


def read() -> Order:
    """Read the order to its end."""
    parts = []
    while part := os.read(CHANNEL, _CHUNK):
        parts.append(part)
    given: dict[str, Any] = json.loads(b"".join(parts))
    asked = tuple(Asked(**one) for one in given.pop("asked"))
    return Order(asked=asked, **given)


def reply(answer: Answer) -> None:
    """Give the answer."""
    rest = json.dumps(asdict(answer)).encode()
    while rest:
        rest = rest[os.write(CHANNEL, rest) :]
