"""Packages installed as people do by hand: `python -m venv` + `pip install`, timed."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import instances
from benchmarks.errors import require
from benchmarks.wheels import mirror
from stratum.door.steps import app_python
from tests.served import Served


@contextmanager
def served_beside_index(requirements: str) -> Iterator[tuple[Served, str]]:
    """Start an instance whose builds install from an index on this disk; its URL comes along.

    The server is told of it, not the app: a build sees no other folder of the machine.
    """
    folder = instances.new_folder("stratum-index-")
    try:
        index = mirror(folder, app_python(), *requirements.split())
        with instances.fresh(UV_DEFAULT_INDEX=index) as served:
            yield served, index
    finally:
        shutil.rmtree(folder)


def by_pip(served: Served, index: str, requirements: str) -> float:
    """Install into a new environment with pip, whose cache is kept; return the seconds it took."""
    folder = Path(tempfile.mkdtemp(prefix="by-pip-", dir=served.folder))
    (folder / "requirements.txt").write_text(requirements)
    start = time.perf_counter()
    _quietly(served, index, str(app_python()), "-m", "venv", "venv", cwd=folder)
    _quietly(served, index, "venv/bin/pip", "install", "-r", "requirements.txt", cwd=folder)
    return time.perf_counter() - start


def _quietly(served: Served, index: str, *argv: str, cwd: Path) -> None:
    own = {"PIP_INDEX_URL": index, "PIP_CONFIG_FILE": "/dev/null", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environ = {**served.environ, **own}
    done = subprocess.run(argv, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    require(done.returncode == 0, f"{' '.join(argv)} succeeds", done.stdout + done.stderr)
