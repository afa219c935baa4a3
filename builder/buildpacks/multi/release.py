"""bin/release: how Python would start the app; how Node.js would, where only that knows a way."""

import json
from pathlib import Path

from builder.buildpacks.multi.parts import NODE, PYTHON
from builder.buildpacks.told import Report


def main(build: Path) -> int:
    """Print it; advise as Python does where neither knows one; return the exit code."""
    printed = PYTHON.release(build)
    if not _names_web(printed):
        printed = NODE.release(build) or printed
        report = Report()
        report.advice = str(PYTHON.report.get("advice", ""))
        report.write()
    print(printed, end="")
    return 0


def _names_web(printed: str) -> bool:
    try:
        return bool(json.loads(printed)["default_process_types"].get("web"))
    except (ValueError, LookupError, TypeError, AttributeError):
        return False
