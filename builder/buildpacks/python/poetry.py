"""Reading poetry.lock: the main group's packages as requirements with hashes. Pure.

Source: Poetry's documentation (dependency specification, groups, extras) and its lock files of the
forms 2.0 (Poetry 1.5 to 1.8) and 2.1 (Poetry 2), which say how they were made in `metadata.lock-version`.
Form 2.1 names each package's groups and markers. Form 2.0 does not: there the packages are those that
the project's own dependencies lead to, each under the markers on its ways.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from builder.buildpacks.python.sources import Unusable

_MAIN = "main"
_MAX_WAYS = 16  # of markers to one package; with more it is installed under none
_EXTRA_MARKER = re.compile(r"\s*extra\s*==\s*[\"'][^\"']*[\"']\s*")
_FORMS = ("2.0", "2.1")
_LOCK_AGAIN = "Run poetry lock with Poetry 1.5 or newer, commit poetry.lock, and push again."


def exported(project: Mapping[str, Any], lock: bytes) -> str:
    """Return a requirements file for what a lock says.

    Raises:
        Unusable: it is no lock of a known form, or names what cannot be had by its hash.
    """
    found = _read(lock)
    try:
        return _rendered(project, found)
    except (AttributeError, KeyError, TypeError) as error:  # a table where a list should be, and the like
        detail = "poetry.lock, or what pyproject.toml says to Poetry, is not of the form that it should have."
        raise Unusable(detail, _LOCK_AGAIN) from error


def _rendered(project: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    packages = [one for one in found.get("package", []) if isinstance(one, dict)]
    if found["metadata"]["lock-version"] == "2.0":
        chosen = _reached(project, packages)
    else:
        chosen = [(one, _marker(one.get("markers"))) for one in packages if _is_main(one)]
    return "".join(_line(one, marker) for one, marker in chosen)


def _read(lock: bytes) -> dict[str, Any]:
    try:
        found = tomllib.loads(lock.decode())
        form = found["metadata"]["lock-version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        detail = "poetry.lock cannot be read."
        raise Unusable(detail, _LOCK_AGAIN) from error
    if form not in _FORMS:
        detail = f"poetry.lock has the form {form}, and {' or '.join(_FORMS)} is read."
        raise Unusable(detail, _LOCK_AGAIN)
    return found


def _line(package: Mapping[str, Any], marker: str) -> str:
    name, version = package.get("name"), package.get("version")
    if not isinstance(name, str) or not isinstance(version, str):
        detail = "poetry.lock has a package without name or version."
        raise Unusable(detail, _LOCK_AGAIN)
    source = package.get("source")
    kind = source.get("type", "") if isinstance(source, dict) else ""
    if kind not in ("", "legacy", "url"):
        detail = f"{name} comes from a {kind} repository or folder, which poetry.lock has no hash of."
        raise Unusable(detail, "Depend on a released version of it, lock again, and push again.")
    wanted = (
        f"{name} @ {source['url']}" if kind == "url" and isinstance(source, dict) else f"{name}=={version}"
    )
    hashes = [one["hash"] for one in package.get("files", []) if isinstance(one, dict) and "hash" in one]
    if not hashes:
        detail = f"poetry.lock has no hash of {name}."
        raise Unusable(detail, _LOCK_AGAIN)
    marked = f"{wanted} ; {marker}" if marker else wanted
    return " \\\n    ".join((marked, *(f"--hash={one}" for one in hashes))) + "\n"


def _is_main(package: Mapping[str, Any]) -> bool:
    return _MAIN in package.get("groups", [_MAIN]) and not package.get("optional", False)


def _marker(found: object) -> str:
    """A package's marker: one for all groups, or the one of the main group."""
    text = found.get(_MAIN, "") if isinstance(found, dict) else found
    return text if isinstance(text, str) else ""


# -- form 2.0
def _reached(
    project: Mapping[str, Any], packages: list[dict[str, Any]]
) -> list[tuple[Mapping[str, Any], str]]:
    """Follow the dependencies from the project's own; return packages with the markers they are under."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for one in packages:
        by_name.setdefault(_key(one.get("name")), []).append(one)
    ways: dict[str, set[str]] = {}
    seen: set[tuple[str, str, tuple[str, ...]]] = set()
    left = [(name, marker, extras) for name, marker, extras in _own(project)]
    while left:
        name, marker, extras = left.pop()
        if name not in by_name or (name, marker, extras) in seen:
            continue
        seen.add((name, marker, extras))
        known = ways.setdefault(name, set())
        known.add(marker)
        if len(known) > _MAX_WAYS:
            known.clear()
            known.add("")
        if "" in known:
            marker = ""
            seen.add((name, "", extras))
        for package in by_name[name]:
            left += [(n, _both(marker, m), e) for n, m, e in _needed(package, extras)]
    return [(one, _any(ways[name])) for name in sorted(ways) for one in by_name[name]]


def _own(project: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    tool = project.get("tool")
    poetry = tool.get("poetry", {}) if isinstance(tool, dict) else {}
    for name, wanted in (poetry.get("dependencies") or {}).items():
        for one in wanted if isinstance(wanted, list) else [wanted]:
            if name.lower() != "python" and not (isinstance(one, dict) and one.get("optional")):
                yield _key(name), *_condition(one)


def _needed(package: Mapping[str, Any], extras: Iterable[str]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    offered = package.get("extras", {})
    wanted = {_key(re.split(r"[ \[(;]", entry)[0]) for extra in extras for entry in offered.get(extra, [])}
    for name, found in package.get("dependencies", {}).items():
        for one in found if isinstance(found, list) else [found]:
            if isinstance(one, dict) and one.get("optional") and _key(name) not in wanted:
                continue
            yield _key(name), *_condition(one)


def _condition(wanted: object) -> tuple[str, tuple[str, ...]]:
    if not isinstance(wanted, dict):
        return "", ()
    marker = str(wanted.get("markers", ""))
    parts = [part for part in re.split(r"\s+and\s+", marker) if part and not _EXTRA_MARKER.fullmatch(part)]
    return " and ".join(parts), tuple(sorted(map(str, wanted.get("extras", ()))))


def _both(first: str, second: str) -> str:
    parts = dict.fromkeys(part for part in (first, second) if part)
    return " and ".join(f"({part})" for part in parts) if len(parts) > 1 else "".join(parts)


def _any(markers: set[str]) -> str:
    if "" in markers:
        return ""
    return " or ".join(f"({one})" for one in sorted(markers)) if len(markers) > 1 else "".join(markers)


def _key(name: object) -> str:
    """A name as packages are compared by. Source: packaging.python.org, name normalization."""
    return re.sub(r"[-_.]+", "-", str(name)).lower()
