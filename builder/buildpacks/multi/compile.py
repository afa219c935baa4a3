"""bin/compile: first node, so that what it has built is there when Python's static files are collected."""

from pathlib import Path

from builder.buildpacks.multi.parts import NODE, PYTHON
from builder.buildpacks.told import Report


def main(build: Path, cache: Path, env_dir: Path) -> int:
    """Do all of it; return the exit code."""
    for part in (NODE, PYTHON):
        code = part.compile(build, cache, env_dir)
        if code:
            told = part.report
            doing, detail, mend = (str(told.get(name, "")) for name in ("doing", "detail", "mend"))
            Report(doing or f"The buildpack {part.name}", detail, mend).write()
            return code
    report = Report()
    report.packages = _packages()
    report.stored = any(part.report.get("stored", True) for part in (NODE, PYTHON))
    report.write()
    return 0


def _packages() -> dict[str, str]:
    """What both have installed; a package of npm whose name Python has too says where it is from."""
    python, node = (dict(part.report.get("packages", {})) for part in (PYTHON, NODE))
    return {**{f"{name} (npm)" if name in python else name: node[name] for name in node}, **python}
