"""The first push of a Flask app, against `python -m venv` + `pip install` of the same requirements.

Ours begins with the push and ends when the app answers. Both use the same interpreter and a package
index on this disk (`benchmarks.wheels`), so neither waits for a network: what a warm download cache
is worth at best. pip keeps its cache over the rounds; the app is a new one each time, and so is its uv cache.
"""

from benchmarks import stats
from benchmarks.errors import require
from benchmarks.installs import by_pip, served_beside_index
from benchmarks.pushes import Client, admin_token, git_url
from benchmarks.tables import table, verdict
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
    with served_beside_index(REQUIREMENTS) as (served, index):
        by_pip(served, index, REQUIREMENTS)  # so that its cache is warm
        for number in range(rounds or ROUNDS):
            theirs.append(by_pip(served, index, REQUIREMENTS))
            ours.append(_by_push(served, f"flask{number}"))
    ratio = stats.ratio(ours, theirs)
    rows = [
        ("`python -m venv` + `pip install`", len(theirs), stats.seconds(theirs), "1"),
        ("first push to Stratum, app answers", len(ours), stats.seconds(ours), ratio.shown()),
    ]
    found = table((REQUIREMENTS.strip(), "n", "seconds, median [min–max]", "ratio of medians [95 %]"), rows)
    return f"{found}\n\n{verdict('Ratio', ratio, BAR)}"


def _by_push(served: Served, app: str) -> float:
    repo = served.app(app, SOURCE)
    client, url = Client(served, repo), git_url(served, app)
    client.knows(url, admin_token(served))
    took = client.push(url, "master")
    require(served.get(app) == (200, "flask"), "the app answers when its push has ended")
    served.stratum("scale", "web=0", cwd=repo)
    return took
