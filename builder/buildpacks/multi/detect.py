"""Detection: a Python app with a package.json that builds something.

Without a script that builds, package.json is most likely there for tools of the developers: the
Python app needs nothing of it.
"""

import json
from pathlib import Path

from builder.buildpacks.multi.parts import PYTHON

_BUILDING = ("build", "heroku-postbuild", "heroku-prebuild")


def main(build: Path) -> int:
    """Say whether the app is one."""
    if not builds(build / "package.json") or not PYTHON.detect(build):
        return 1
    print("Python with Node.js")
    return 0


def builds(manifest: Path) -> bool:
    """Whether a package.json has a script that makes something."""
    try:
        scripts = json.loads(manifest.read_bytes())["scripts"]
        return any(isinstance(scripts.get(name), str) and scripts[name].strip() for name in _BUILDING)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False
