"""bin/compile: what Node.js builds, then which folder is the site, and how it is to be served."""

import shutil
from pathlib import Path
from typing import NoReturn

from builder.buildpacks.multi.parts import NODE
from builder.buildpacks.static import detect
from builder.buildpacks.static.folder import PAGE, NoFolder, chosen
from builder.buildpacks.told import Report, indent, step
from stratum.site import FILE, Reading, Site, read, reading, render, staticfile

_CORRECT = "Correct it, commit, and push again."
_RENAME = "Rename or remove it, commit, and push again."
_MODULES = "node_modules"


def main(build: Path, cache: Path, env_dir: Path) -> int:
    """Do all of it; return the exit code."""
    report = Report()
    was_built = detect.builds(detect.package(build / "package.json"))
    if was_built and (code := NODE.compile(build, cache, env_dir)):
        told = NODE.report
        doing, detail, mend = (str(told.get(name, "")) for name in ("doing", "detail", "mend"))
        Report(doing or "The buildpack node", detail, mend).write()
        return code
    report.packages = NODE.report.get("packages", {}) if was_built else {}
    report.begin("Looking for the site")
    asked = _asked(build, report)
    try:
        folder = chosen(build, asked.root, was_built=was_built)
    except NoFolder as error:
        if was_built and not _is_told(build):
            return 0  # what was built is no site, then: bin/release says what node would
        _refuse(report, str(error))
    if (build / FILE).is_dir() and not (build / FILE).is_symlink():
        report.fail(f"{FILE} is a folder; the router reads a file of that name.", _RENAME)
    (build / FILE).unlink(missing_ok=True)
    (build / FILE).write_bytes(render(Site(folder, asked.rules)))
    _tell(build, folder)
    report.site = folder
    report.write()
    if was_built and not any(build.glob("Procfile*")):
        shutil.rmtree(build / _MODULES, ignore_errors=True)  # no process needs it
    return 0


def _is_told(build: Path) -> bool:
    return any((build / name).is_file() for name in (reading.NAME, staticfile.NAME))


def _asked(build: Path, report: Report) -> Reading:
    """Read what the app asks for; end with all that is wrong with it."""
    found = Reading()
    for name, reader in ((staticfile.NAME, staticfile.read_staticfile), (reading.NAME, read)):
        if (build / name).is_file():
            with (build / name).open("rb") as file:
                found = reader(file.read(reading.MAX_BYTES + 1))
    for warning in found.warnings:
        indent(f"warning: {warning}")
    if found.problems:
        _refuse(report, "\n".join(found.problems))
    return found


def _refuse(report: Report, detail: str) -> NoReturn:
    report.fail(detail, _CORRECT)


def _tell(build: Path, folder: str) -> None:
    site = build if folder == "." else build / folder
    step(f"The router serves {'the repository' if folder == '.' else folder} as a site")
    if not (site / PAGE).is_file():
        indent(f"warning: it has no {PAGE}, so its root answers with an error")
    links = sum(path.is_symlink() for path in site.rglob("*") if _MODULES not in path.parts)
    if links:
        indent(f"warning: {links} of its entries are links; only those to files within the site are served")
