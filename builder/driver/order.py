"""What the driver is asked, and what it answers: JSON, on the socket that is its standard input.

Values of the driver and of built-in buildpacks are named tuples: a build waits for Python to start, and
dataclasses take 9 ms to import, and each of them 0.7 more.
"""

import json
import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

CHANNEL = 0
_CHUNK = 1 << 16


class Asked(NamedTuple):
    """A buildpack to use: a built-in one by name, or one of a repository, at a commit if it is pinned."""

    name: str = ""
    url: str = ""
    ref: str = ""
    commit: str = ""


class Order(NamedTuple):
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
        asked = [one._asdict() for one in self.asked]
        return json.dumps({**self._asdict(), "asked": asked}).encode()


class Used(NamedTuple):
    """A buildpack that was used."""

    name: str
    url: str = ""
    ref: str = ""
    commit: str = ""


class Answer(NamedTuple):
    """What came of it.

    Attributes:
        processes: what the last buildpack's bin/release printed: YAML.
        advice: what the last one says about why it knows no way to start the app.
        failure: what failed: `doing`, `mend`, and `detail` where no program's exit code tells it.
    """

    buildpacks: tuple[Used, ...] = ()
    packages: Mapping[str, str] = MappingProxyType({})
    site: str = ""
    processes: str = ""
    advice: str = ""
    failure: Mapping[str, str] | None = None

    def encode(self) -> bytes:
        """As `builder.answer` takes it."""
        buildpacks = [one._asdict() for one in self.buildpacks]
        return json.dumps(
            {**self._asdict(), "buildpacks": buildpacks, "packages": {**self.packages}}
        ).encode()


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
    rest = answer.encode()
    while rest:
        rest = rest[os.write(CHANNEL, rest) :]
