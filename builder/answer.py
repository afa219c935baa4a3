"""What the driver of the buildpacks answers, looked at: it comes from where the pusher's programs ran."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from stratum.buildpacks import MAX_BUILDPACKS
from stratum.model import Contents, UsedBuildpack

MAX_BYTES = 2 << 20
MAX_PACKAGES_BYTES = 100 << 10  # as JSON: some thousand; each release of the app has them again
_MAX_WORD = 200
_MAX_URL = 1000
_MAX_TEXT = 64 << 10
_MAX_SAID = 8 << 10  # of why it failed: it stands with the build wherever that is listed
_COMMIT = 40


@dataclass(frozen=True, slots=True)
class Made:
    """What buildpacks have made.

    Attributes:
        processes: what the last one's bin/release printed.
        advice: why it knows no way to start the app.
        failure: `doing`, `detail` and `mend` of what failed; empty when all went well, or nothing was said.
        pins: (url, ref) → commit of those that came from a repository.
    """

    contents: Contents
    processes: str = ""
    advice: str = ""
    failure: Mapping[str, str] | None = None
    pins: Mapping[tuple[str, str], str] | None = None


NOTHING = Made(Contents())


def parse(data: bytes) -> Made:
    """Read an answer; what is not of its kind is as if it were not there, and nothing is too much."""
    try:
        found = json.loads(data) if len(data) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        return NOTHING
    if not isinstance(found, dict):
        return NOTHING
    listed = _list(found.get("buildpacks"))[:MAX_BUILDPACKS]
    used = [one for one in listed if isinstance(one, dict)]
    contents = Contents(tuple(map(_used, used)), _packages(found.get("packages")), _site(found.get("site")))
    return Made(
        contents,
        _text(found.get("processes"), _MAX_TEXT),
        _text(found.get("advice"), _MAX_TEXT),
        _failure(found.get("failure")),
        _pins(used),
    )


def _used(one: Mapping[str, Any]) -> UsedBuildpack:
    url, commit = _text(one.get("url"), _MAX_URL), _text(one.get("commit"), _COMMIT)
    return UsedBuildpack(_text(one.get("name"), _MAX_WORD), url, commit)


def _pins(used: list[dict[str, Any]]) -> Mapping[tuple[str, str], str]:
    words = ((_text(one.get(name), _MAX_URL) for name in ("url", "ref", "commit")) for one in used)
    return {(url, ref): commit for url, ref, commit in words if url and _is_commit(commit)}


def _is_commit(text: str) -> bool:
    return len(text) == _COMMIT and set(text) <= set("0123456789abcdef")


def _packages(found: object) -> dict[str, str]:
    """Read the first, as many as fit."""
    few: dict[str, str] = {}
    left = MAX_PACKAGES_BYTES
    for name, version in found.items() if isinstance(found, dict) else ():
        pair = _text(name, _MAX_WORD), _text(version, _MAX_WORD)
        left -= len(json.dumps(pair))
        if left < 0:
            break
        few[pair[0]] = pair[1]
    return few


def _site(found: object) -> str:
    """A folder below the slug; empty for anything else. `.` is the slug itself."""
    text = _text(found, _MAX_WORD)
    path = PurePosixPath(text)
    fits = text and not path.is_absolute() and ".." not in path.parts and "\0" not in text
    return str(path) if fits else ""


def _failure(found: object) -> Mapping[str, str] | None:
    if not isinstance(found, dict):
        return None
    return {name: _text(found.get(name), _MAX_SAID) for name in ("doing", "detail", "mend")}


def _text(found: object, most: int) -> str:
    if not isinstance(found, str):
        return ""
    return found[:most].encode("utf-8", "replace").decode()


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []
