"""Installing: uv makes `.venv` from what the app has locked, unless the cache has it as it would be.

Source: uv 0.13 (`uv help …`): an environment made with --relocatable may be moved, and sync keeps it
so; --no-editable because an editable install would point to the scratch folder after the move.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from builder.buildpacks.kept import Kept, key_of, program_key
from builder.buildpacks.python.deciding import DECIDING, OWN_SOURCE, is_local, is_open, requirements
from builder.buildpacks.python.interpreter import Interpreter
from builder.buildpacks.python.sources import LOCK, POETRY, PROJECT, REQUIREMENTS, Source, project
from builder.buildpacks.told import Report, indent

VENV = ".venv"
MEND = (
    "Where the message names a package: see that this version exists, and that it works with the "
    "server's Python; correct the file, commit, and push again."
)
_SYSTEM_CERTS = Path("/etc/ssl/certs/ca-certificates.crt")
_DIST_INFO = re.compile(r"(.+?)-([^-]+)\.dist-info")
_FROM_HASHES = ["--no-deps", "--require-hashes"]


class Site(NamedTuple):
    """Where and with what is installed.

    Attributes:
        environ: of the programs that install, with the app's variables.
    """

    build: Path
    cache: Path
    uv: Path
    python: Interpreter
    environ: Mapping[str, str]

    @property
    def venv(self) -> Path:
        """Where the packages come to."""
        return self.build / VENV

    def files(self, names: tuple[str, ...]) -> dict[str, bytes]:
        """Read those of the files that there are."""
        paths = ((name, self.build / name) for name in names)
        return {name: path.read_bytes() for name, path in paths if path.is_file()}


def install(site: Site, source: Source, report: Report) -> None:
    """Have the packages in `.venv`; an unchanged lock brings them from the cache, and nothing runs."""
    _leave_out(site.venv)
    key = _key(site, source)
    kept = Kept(site.cache, key)
    if key and kept.restore(site.venv) is not None:
        indent(f"Nothing to install: {source.file} and the tools are unchanged")
        report.stored = False
    else:
        _run_uv(site, source, report, own_too=not key)
        os.utime(site.cache / "uv")
        if key:
            kept.keep(site.venv, {})
    if source.file == LOCK and key and _is_package(site):
        _sync(site, report, ())  # what is the app's own changes without its lock
    report.packages = installed(site.venv)
    report.write()


def _leave_out(venv: Path) -> None:
    """Remove what the commit has there: what is installed, and what was kept, would be mixed with it."""
    if not os.path.lexists(venv):
        return
    indent(f"{VENV} is in the commit; it is left out. Add it to .gitignore.")
    if venv.is_dir() and not venv.is_symlink():
        import shutil  # time that other builds need not spend

        shutil.rmtree(venv)
    else:
        venv.unlink()


def installed(venv: Path) -> dict[str, str]:
    """List what is in an environment: name → version."""
    found = (_DIST_INFO.fullmatch(path.name) for path in venv.glob("lib/python*/site-packages/*.dist-info"))
    names = ((one[1].replace("_", "-").lower(), one[2]) for one in found if one)
    return dict(sorted(names))


def _key(site: Site, source: Source) -> str:
    """Name what will be installed; empty where it depends on more than locks and tools.

    The interpreter counts as the program that it is: which version was asked for, if any, changes nothing.
    """
    names = (LOCK, PROJECT) if source.file == LOCK else (POETRY, PROJECT)
    read = requirements(site.build) if source.file == REQUIREMENTS else site.files(names)
    if read is None or is_open(site.environ, site.build) or (source.file == LOCK and is_local(read[LOCK])):
        return ""
    variables = sorted(pair for pair in site.environ.items() if pair[0].startswith(DECIDING))
    parts: list[str | bytes] = [part for pair in sorted(read.items()) for part in pair]
    tools = (program_key(site.uv), program_key(site.python.path), sys.platform)
    return key_of(
        [source.file, *parts, *tools, os.uname().machine, *(part for one in variables for part in one)]
    )


def _is_package(site: Site) -> bool:
    return OWN_SOURCE in (site.build / LOCK).read_bytes()


def _run_uv(site: Site, source: Source, report: Report, *, own_too: bool) -> None:
    if source.file == LOCK:
        _sync(site, report, () if own_too else ("--no-install-project",))
        return
    report.begin("Making the Python environment", "See the message above; then push again.")
    python = ("--python", str(site.python.path))
    options = ("--quiet", "--no-config", "--no-project", "--clear", "--relocatable")
    _uv(site, "venv", *options, *python, VENV)
    report.begin(f"Installing {source.file}", MEND)
    file, more = (REQUIREMENTS, []) if source.file == REQUIREMENTS else (_exported(site), _FROM_HASHES)
    fixed = ("--no-config", "--no-editable", "--python", f"{VENV}/bin/python")
    _uv(site, "pip", "install", *fixed, *more, "--requirements", file)


def _exported(site: Site) -> str:
    from builder.buildpacks.python.poetry import exported  # time that other apps need not spend

    files = site.files((PROJECT, POETRY))
    path = Path(site.environ["TMPDIR"]) / "poetry-requirements.txt"
    path.write_text(exported(project(files), files[POETRY]), encoding="utf-8")
    return str(path)


def _sync(site: Site, report: Report, options: tuple[str, ...]) -> None:
    report.begin(
        f"Installing {LOCK}",
        f"If {LOCK} does not fit {PROJECT}: run uv lock and commit {LOCK}. {MEND}",
    )
    _uv(site, "venv", "--quiet", "--allow-existing", "--relocatable", "--python", str(site.python.path), VENV)
    fixed = ("--frozen", "--no-dev", "--no-editable", "--python", str(site.python.path))
    _uv(site, "sync", *fixed, *options)


def _uv(site: Site, *words: str) -> None:
    done = subprocess.run((site.uv, *words), cwd=site.build, env=site.environ, check=False)
    if done.returncode:
        sys.exit(done.returncode if done.returncode > 0 else 128 - done.returncode)


def uv_environ(cache: Path) -> dict[str, str]:
    """What uv must find, whatever the app's variables say."""
    environ = {
        "UV_CACHE_DIR": str(cache / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_LINK_MODE": "copy",  # a link would let a later build change a slug by way of the cache
        "UV_COMPILE_BYTECODE": "1",
        "UV_NO_PROGRESS": "1",
        "UV_PROJECT_ENVIRONMENT": VENV,
    }
    return environ | ({"UV_SYSTEM_CERTS": "1"} if _SYSTEM_CERTS.exists() else {})
