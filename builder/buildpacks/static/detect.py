"""Detection: what says that it is a site, has a page and nothing else, or builds one and starts nothing.

An app whose Procfile has a web process is none: that answers its requests.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.buildpacks.static.folder import PAGE, PLACES
from stratum.site import reading, staticfile

_OTHERS = (
    *("requirements.txt", "pyproject.toml", "uv.lock", "poetry.lock", "Pipfile", "Pipfile.lock", "setup.py"),
    *(
        "Gemfile",
        "go.mod",
        "composer.json",
        "index.php",
        "pom.xml",
        "build.gradle",
        "build.sbt",
        "Cargo.toml",
    ),
    *("mix.exs", "project.clj"),
)
_WEB = re.compile(rb"^[ \t]*web[ \t]*:", re.MULTILINE)


def main(build: Path) -> int:
    """Say whether the app is one."""
    name = named(build)
    if name:
        print(name)
    return 0 if name else 1


def named(build: Path) -> str:
    """What the pusher would call it; empty when it is no site."""
    if any(_WEB.search(file.read_bytes()) for file in build.glob("Procfile*") if file.is_file()):
        return ""
    if any((build / file).is_file() for file in (reading.NAME, staticfile.NAME)):
        return "Static site"
    if any((build / file).is_file() for file in _OTHERS):
        return ""
    manifest = build / "package.json"
    if manifest.is_file():
        return "" if _starts(build, package(manifest)) else "Front end"
    return "Static site" if any((build / place / PAGE).is_file() for place in PLACES) else ""


def package(manifest: Path) -> Mapping[str, Any]:
    """The scripts of a package.json; none of one that cannot be read, which node says better."""
    try:
        scripts = json.loads(manifest.read_bytes())["scripts"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    return scripts if isinstance(scripts, dict) else {}


def builds(scripts: Mapping[str, Any]) -> bool:
    """Whether scripts make something."""
    return any(_says(scripts, name) for name in ("build", "heroku-postbuild"))


def _starts(build: Path, scripts: Mapping[str, Any]) -> bool:
    """Whether it has, or may have, processes of its own."""
    has_start = _says(scripts, "start") or (build / "server.js").is_file()
    return has_start or not builds(scripts) or any(build.glob("Procfile*"))


def _says(scripts: Mapping[str, Any], name: str) -> bool:
    text = scripts.get(name)
    return isinstance(text, str) and bool(text.strip())
