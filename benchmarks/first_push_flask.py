"""The first push of a Flask app, against `python -m venv` + `pip install` of the same requirements.

Ours begins with the push and ends when the app answers. Both use the same interpreter and a package
index on this disk (`benchmarks.wheels`), so neither waits for a network: what a warm download cache
is worth at best. pip keeps its cache over the rounds; the app is a new one each time, and so is its uv cache.
"""

import shutil
import subprocess
import time
from pathlib import Path

from benchmarks import instances, stats
from benchmarks.errors import require
from benchmarks.pushes import Client, admin_token, git_url
from benchmarks.tables import table, verdict
from benchmarks.wheels import mirror
from stratum.door.steps import app_python
from tests.served import Served

BAR = 0.5
ROUNDS = 9
REQUIREMENTS = "flask\n"
WEB = """\
import os
from flask import Flask
app = Flask(__name__)
@app.get("/")
def index(): return "flask"
app.run("127.0.0.1", int(os.environ["PORT"]))
"""
SOURCE = {"Procfile": "web: python web.py\n", "web.py": WEB, "requirements.txt": REQUIREMENTS}


def run(rounds: int | None) -> str:
    ours: list[float] = []
    theirs: list[float] = []
    with instances.fresh() as served:
        index = mirror(served.folder / "index", app_python(), *REQUIREMENTS.split())
        _by_pip(served, index)  # so that its cache is warm
        for number in range(rounds or ROUNDS):
            theirs.append(_by_pip(served, index))
            ours.append(_by_push(served, f"flask{number}", index))
    rows = [
        ("`python -m venv` + `pip install`", len(theirs), stats.seconds(theirs), "1"),
        (
            "first push to Stratum, app answers",
            len(ours),
            stats.seconds(ours),
            stats.ratio(ours, theirs).shown(),
        ),
    ]
    found = table((REQUIREMENTS.strip(), "n", "seconds, median [min–max]", "ratio of medians [95 %]"), rows)
    return f"{found}\n\n{verdict('Ratio', stats.ratio(ours, theirs), BAR)}"


def _by_pip(served: Served, index: str) -> float:
    folder = served.folder / "by-pip"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "requirements.txt").write_text(REQUIREMENTS)
    start = time.perf_counter()
    _quietly(served, index, str(app_python()), "-m", "venv", "venv", cwd=folder)
    _quietly(served, index, "venv/bin/pip", "install", "-r", "requirements.txt", cwd=folder)
    return time.perf_counter() - start


def _quietly(served: Served, index: str, *argv: str, cwd: Path) -> None:
    own = {"PIP_INDEX_URL": index, "PIP_CONFIG_FILE": "/dev/null", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environ = {**served.environ, **own}
    done = subprocess.run(argv, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    require(done.returncode == 0, f"{' '.join(argv)} succeeds", done.stdout + done.stderr)


def _by_push(served: Served, app: str, index: str) -> float:
    repo = served.app(app, SOURCE)
    client, url = Client(served, repo), git_url(served, app)
    client.knows(url, admin_token(served))
    served.stratum("vars", "set", f"UV_DEFAULT_INDEX={index}", cwd=repo)
    took = client.push(url, "master")
    require(served.get(app) == (200, "flask"), "the app answers when its push has ended")
    served.stratum("apps", "destroy", app, "-E", "MyProdEnv", stdin=f"{app}\n")
    return took
