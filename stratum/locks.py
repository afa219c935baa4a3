"""Which packages, in which versions, a commit's lock files name. What is no lock file names none.

Sources: docs.astral.sh/uv (uv.lock), python-poetry.org (poetry.lock): TOML, [[package]] with name and
version; docs.npmjs.com (package-lock.json, lockfileVersion 2 and 3): "packages", by their path;
pip.pypa.io, Requirements File Format.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping

MAX_BYTES = 1 << 20  # of one file; reading TOML takes half a second for as much
_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?")
_ENDS = (" #", ";", " --", "\\")


def packages(files: Mapping[str, bytes | None]) -> dict[str, str]:
    """Package → version, of all lock files there are; those that cannot be read are left out."""
    found: dict[str, str] = {}
    for name, read in _READERS.items():
        content = files.get(name)
        if content is not None:
            found.update(_tried(read, content))
    return found


def _tried(read: Callable[[str], dict[str, str]], content: bytes) -> dict[str, str]:
    try:
        return read(content.decode("utf-8", "replace"))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return {}


def _requirements(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        for end in _ENDS:
            line = line.partition(end)[0]  # noqa: PLW2901 - what follows is no part of it
        match = _REQUIREMENT.match(line.strip())
        if match is not None and "/" not in line.partition("@")[0]:
            wanted = line.strip()[match.end() :].replace(" ", "")
            found[_normal(match[1])] = wanted.removeprefix("==") or "any"
    return found


def _toml_lock(text: str) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for package in tomllib.loads(text)["package"]:
        found.setdefault(_normal(str(package["name"])), set()).add(str(package.get("version", "any")))
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def _npm_lock(text: str) -> dict[str, str]:
    entries = json.loads(text)["packages"].items()
    return {
        path.removeprefix("node_modules/"): str(entry["version"])
        for path, entry in entries
        if path.startswith("node_modules/") and "version" in entry
    }


def _normal(name: str) -> str:
    """Write a package's name as PEP 503 does."""
    return re.sub(r"[-_.]+", "-", name).lower()


_READERS: Mapping[str, Callable[[str], dict[str, str]]] = {
    "requirements.txt": _requirements,
    "poetry.lock": _toml_lock,
    "uv.lock": _toml_lock,
    "package-lock.json": _npm_lock,
}
FILES = tuple(_READERS)
