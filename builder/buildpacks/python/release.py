"""bin/release: `web` from the framework, as YAML."""

import json
from pathlib import Path

from builder.buildpacks.python.install import VENV, installed
from builder.buildpacks.python.web import default_web
from builder.buildpacks.told import Report


def main(build: Path) -> int:
    """Print the default process types; advise where there is none."""
    found = default_web(build, installed(build / VENV))
    report = Report()
    report.advice = found.advice
    report.write()
    types = {"web": found.command} if found.command else {}
    print(json.dumps({"default_process_types": types}))
    return 0
