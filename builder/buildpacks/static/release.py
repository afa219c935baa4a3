"""bin/release: a site needs no process; where a build has made none, what Node.js would start."""

from pathlib import Path

from builder.buildpacks.multi.parts import NODE
from builder.buildpacks.told import Report
from stratum.site import FILE


def main(build: Path) -> int:
    """Print the default process types; return the exit code."""
    if (build / FILE).is_file():
        return 0
    print(NODE.release(build), end="")
    advice = str(NODE.report.get("advice", ""))
    built = "Or have its build script make a site: dist/index.html, or another folder that static.json names."
    report = Report()
    report.advice = f"{advice} {built}".strip()
    report.write()
    return 0
