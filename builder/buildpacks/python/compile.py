"""bin/compile: the packages, Django's static files, and the environment of the app's processes."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.buildpacks.python import django
from builder.buildpacks.python.install import Site, install, uv_environ
from builder.buildpacks.python.interpreter import (
    RUNTIME,
    VERSION_FILE,
    Interpreter,
    NoSuchPython,
    choose,
    wish,
)
from builder.buildpacks.python.sources import FILES, LOCK, POETRY, PROJECT, Source, Unusable, chosen, project
from builder.buildpacks.told import Report, environ, export, indent, profile, step

_CONNECT_S = "30"  # uv's own 10 s are little where builds have all processors
_PROFILE = """\
export VIRTUAL_ENV="$HOME/.venv"
export PATH="$HOME/.venv/bin:$PATH"
"""


def main(build: Path, cache: Path, env_dir: Path) -> int:
    """Do all of it; return the exit code."""
    report = Report()
    report.begin("Detecting the app")
    uv = os.environ["STRATUM_UV"]
    if not uv:
        report.fail("the server has no uv.", "Have its operator install Stratum again, with all it needs.")
    own = {"UV_HTTP_CONNECT_TIMEOUT": _CONNECT_S} | environ(env_dir) | uv_environ(cache)
    try:
        files = {name: (build / name).read_bytes() for name in FILES if (build / name).is_file()}
        source = chosen(files)
        step(source.headline)
        _check_lock(build, source, files)
        python = _interpreter(build)
        site = Site(build, cache, Path(uv), python, own)
        install(site, source, report)
    except (Unusable, NoSuchPython) as refused:
        report.fail(str(refused), refused.mend)
    django.collect_static(site, report)
    profile(build, "python", _PROFILE, report)
    export(_PROFILE.replace("$HOME", str(build)))
    return 0


def _check_lock(build: Path, source: Source, files: Mapping[str, bytes]) -> None:
    if source.file in (LOCK, POETRY):
        from builder.buildpacks.python import fitting  # time that other apps need not spend

        text = files[source.file]
        others = {place: _project(build / place) for place in fitting.members(text)}
        fitting.check(source.file, text, project(files), others)


def _project(folder: Path) -> Mapping[str, Any]:
    """Read the project of a member; one that cannot be read is for uv to name."""
    try:
        return project({PROJECT: (folder / PROJECT).read_bytes()})
    except (OSError, Unusable):
        return {}


def _interpreter(build: Path) -> Interpreter:
    names = [name for name in (VERSION_FILE, RUNTIME) if os.path.lexists(build / name)]
    for name in names:
        if not (build / name).is_file():
            detail = f"{name} is a folder, or a link to no file that is there."
            raise NoSuchPython(detail, "Commit it as a file, and push again.")
    files = {name: (build / name).read_text(errors="replace") for name in names}
    where, wanted = wish(files)
    found = choose(wanted, where, Path(os.environ["STRATUM_APP_PYTHON"]))
    if where:
        indent(f"Python {found.version}, as {where} asks")
    return found
