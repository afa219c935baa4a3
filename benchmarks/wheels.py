"""A package index on this disk, so that installs are compared and not networks.

The wheels that a requirement needs, downloaded once by pip from the index that pip is set up for,
laid out as a simple index (PEP 503) that pip and uv read by `file://`.
"""

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path


def mirror(folder: Path, python: Path, *requirements: str) -> str:
    """Make the index; return its URL. Every account may read it."""
    found = folder / "wheels"
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:"]
    version = subprocess.check_output(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], text=True
    )
    subprocess.run([*argv, "--python-version", version.strip(), "--dest", found, *requirements], check=True)
    for wheel in found.iterdir():
        project = folder / "simple" / _normal(wheel.name.split("-")[0])
        project.mkdir(parents=True, exist_ok=True)
        shutil.copy(wheel, project / wheel.name)
        (project / wheel.name).chmod(0o644)
        links = (html.escape(file.name) for file in sorted(project.glob("*.whl")))
        (project / "index.html").write_text(
            "<!DOCTYPE html>" + "".join(f'<a href="{name}">{name}</a><br>' for name in links)
        )
    return f"file://{folder}/simple"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
