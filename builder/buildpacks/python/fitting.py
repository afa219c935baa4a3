"""Whether a lock still is of the project beside it; what is certain not to be is refused. Pure.

Source: uv.lock keeps what the project asked for in `[package.metadata]` as `requires-dist`; uv itself
would compare more, and resolve anew for indexes that it is not told of. Of poetry.lock's `content-hash`:
poetry/packages/locker.py of Poetry 1.5 to 2.5, `_get_content_hash` and `is_fresh`.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from builder.buildpacks.python.sources import LOCK, PROJECT, Unusable

_REQUIREMENT = re.compile(r"\s*([\w.-]+)\s*(?:\[([^\]]*)\])?\s*(@)?\s*\(?([^;)]*)")
_LOCAL = re.compile(rb'^source = \{ (?:editable|virtual|directory) = "([^"\n]+)" \}', re.MULTILINE)
_ROOT = "."
_COMPARED = {"name", "extras", "marker", "specifier", "index"}
# Source: packaging.python.org, version specifiers, "Appendix: Parsing version strings".
_CLAUSE = re.compile(
    r"(?P<operator>[=!<>~]+)v?(?:0*(?P<epoch>\d*)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[._-]?(?P<phase>alpha|a|beta|b|preview|pre|rc|c)[._-]?(?P<nth>\d*))?"
    r"(?P<post>-(?=\d)|[._-]?(?:post|rev|r)[._-]?)?(?(post)(?P<post_nth>\d*))"
    r"(?P<dev>[._-]?dev[._-]?)?(?(dev)(?P<dev_nth>\d*))"
    r"(?P<rest>\.\*|\+[a-z\d]+(?:[._-][a-z\d]+)*)?"
)
_SHORT = {"alpha": "a", "beta": "b", "preview": "rc", "pre": "rc", "c": "rc"}
_LEGACY = ("dependencies", "source", "extras", "dev-dependencies")
_STANDARD = ("requires-python", "dependencies", "optional-dependencies")


def members(text: bytes) -> tuple[str, ...]:
    """Name the folders of the app, other than its own, of which a uv.lock has the project."""
    named = (found.decode("utf-8", "replace") for found in _LOCAL.findall(text))
    return tuple(place for place in dict.fromkeys(named) if place != _ROOT)


def check(
    lock: str,
    text: bytes,
    project: Mapping[str, Any],
    others: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> None:
    """See that a lock is of the project.

    Args:
        others: the projects of `members`; empty for those that there are not.

    Raises:
        Unusable: it is not.
    """
    try:
        fault = (
            _beside_uv(text, {_ROOT: project, **others}) if lock == LOCK else _beside_poetry(text, project)
        )
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return  # of another form, on which the installer has its say
    if fault:
        command = "uv lock" if lock == LOCK else "poetry lock"
        detail = f"{lock} does not fit {PROJECT}: {fault}."
        raise Unusable(detail, f"Run {command}, commit {lock}, and push again.")


# -- uv
def _beside_uv(text: bytes, projects: Mapping[str, Mapping[str, Any]]) -> str:
    for part in text.split(b"[[package]]"):
        found = _LOCAL.search(part)
        place = found[1].decode("utf-8", "replace") if found else ""
        fault = _beside_one(part, place, projects[place]) if place in projects else ""
        if fault:
            return fault
    return ""


def _beside_one(part: bytes, place: str, project: Mapping[str, Any]) -> str:
    table = project.get("project")
    if table is None or "dependencies" in table.get("dynamic", ()):
        return ""
    package = tomllib.loads("[[package]]" + part.decode())["package"][0]
    if "metadata" not in package and "dependencies" in package:
        return ""  # of an older uv
    locked = _gathered(_locked(package.get("metadata", {}).get("requires-dist", [])))
    asked = _gathered(map(_asked, table.get("dependencies", [])))
    if _name(table["name"]) in asked:  # by its extras, which uv resolves into what they name
        return ""
    return next(_differences(asked, locked, PROJECT if place == _ROOT else f"{place}/{PROJECT}"), "")


def _differences(asked: Mapping[str, set[str]], locked: Mapping[str, set[str]], file: str) -> Iterator[str]:
    for name in sorted(asked.keys() | locked.keys()):
        if name not in locked:
            yield f"{file} asks for {name}, and {LOCK} does not have it"
        elif name not in asked:
            yield f"{LOCK} has {name}, for which {file} does not ask"
        elif asked[name] != locked[name] and "@" not in asked[name] | locked[name]:
            mine, its = (", ".join(sorted(one[name])) or "any" for one in (asked, locked))
            yield f"{file} asks for {name} {mine}, and {LOCK} was made for {its}"


def _gathered(found: Iterable[tuple[str, set[str]]]) -> dict[str, set[str]]:
    gathered: dict[str, set[str]] = {}
    for name, wanted in found:
        gathered.setdefault(name, set()).update(wanted)
    return gathered


def _locked(listed: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, set[str]]]:
    for one in listed:
        if "extra ==" not in one.get("marker", ""):
            elsewhere = {"@"} if one.keys() - _COMPARED else set()
            yield _name(one["name"]), _wanted(one.get("specifier", ""), one.get("extras", ())) | elsewhere


def _asked(requirement: str) -> tuple[str, set[str]]:
    found = _REQUIREMENT.match(requirement)
    if found is None:
        raise ValueError(requirement)
    name, extras, place, specifier = found.groups()
    wanted = {"@"} if place else _wanted(specifier, (extras or "").split(","))
    return _name(name), wanted


def _wanted(specifier: str, extras: Iterable[str]) -> set[str]:
    """What is asked of a package, spelled in one way; `@` stands for a place that it comes from."""
    clauses = {_spelled(one) for one in specifier.split(",") if one.strip() not in ("", "*")}
    return clauses | {f"[{_name(one)}]" for one in extras if one.strip()}


def _spelled(clause: str) -> str:
    """As uv writes it. Source: packaging.python.org, version specifiers, "Normalization"."""
    text = re.sub(r"\s", "", clause.lower())
    found = _CLAUSE.fullmatch(text)
    if found is None:
        return text
    epoch = f"{found['epoch']}!" if found["epoch"] else ""
    release = ".".join(str(int(number)) for number in found["release"].split("."))
    phase = _SHORT.get(found["phase"], found["phase"] or "")
    nths = [f"{int(found[nth] or 0)}" for nth in ("nth", "post_nth", "dev_nth")]
    named = zip((phase, found["post"] and ".post", found["dev"] and ".dev"), nths, strict=True)
    after = "".join(f"{name}{nth}" for name, nth in named if name)
    return f"{found['operator']}{epoch}{release}{after}{re.sub('[_-]', '.', found['rest'] or '')}"


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text.strip()).lower()


# -- Poetry
def _beside_poetry(text: bytes, project: Mapping[str, Any]) -> str:
    metadata = tomllib.loads(text.decode())["metadata"]
    fitting = [_digest(project, project.get("dependency-groups", {})), _digest(project, {})]
    if metadata["lock-version"] == "2.0":  # of Poetry 1, which reads its own table only
        fitting.append(_digest({"tool": project.get("tool", {})}, {}))
    fits = metadata["content-hash"] in fitting
    return "" if fits else f"{PROJECT} asks for something else than when that was made"


def _digest(project: Mapping[str, Any], groups: Mapping[str, Any]) -> str:
    """As Poetry 2.3 and later make it; without groups, as those before."""
    table, poetry = project.get("project", {}), project.get("tool", {}).get("poetry", {})
    standard = {key: table[key] for key in _STANDARD if key in table}
    own = {key: poetry[key] for key in (*_LEGACY, "group") if key in poetry}
    if standard or groups:
        parts = {"project": standard, "dependency-groups": groups}
        relevant = {key: part for key, part in parts.items() if part} | {"tool": {"poetry": own}}
    else:
        relevant = dict.fromkeys(_LEGACY) | own
    return hashlib.sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()
