"""The build of a new Flask + RQ app, against `python -m venv` + `pip install` of the same requirements.

Ours is the whole build, from the push's acceptance to the recorded release: checkout, install, digest, slug.
Both sides use the same interpreter and a package index on this disk (`benchmarks.wheels`), which is what
a warm download cache is worth at best. pip keeps its cache over the rounds; the app is a new one each
time, and so is all that its builds keep.
"""

from benchmarks import buildtimes, stats
from benchmarks.installs import by_pip, served_beside_index
from benchmarks.pushes import Client, admin_token, git_url
from benchmarks.tables import table, verdict
from tests.served import Served

BAR = 0.5
ROUNDS = 9
REQUIREMENTS = "flask\nrq\n"
SOURCE = {"Procfile": "worker: exec sleep 1000\n", "requirements.txt": REQUIREMENTS}


def run(rounds: int | None) -> str:
    ours: list[float] = []
    theirs: list[float] = []
    with served_beside_index(REQUIREMENTS) as (served, index):
        by_pip(served, index, REQUIREMENTS)  # so that its cache is warm
        for number in range(rounds or ROUNDS):
            theirs.append(by_pip(served, index, REQUIREMENTS))
            ours.append(_by_build(served, f"cold{number}"))
    ratio = stats.ratio(ours, theirs)
    rows = [
        ("`python -m venv` + `pip install`", len(theirs), stats.seconds(theirs), "1"),
        ("first build of an app", len(ours), stats.seconds(ours), ratio.shown()),
    ]
    named = " + ".join(REQUIREMENTS.split())
    found = table((named, "n", "seconds, median [min–max]", "ratio of medians [95 %]"), rows)
    return f"{found}\n\n{verdict('Ratio', ratio, BAR)}"


def _by_build(served: Served, app: str) -> float:
    repo = served.app(app, SOURCE)
    client, url = Client(served, repo), git_url(served, app)
    client.knows(url, admin_token(served))
    client.push(url, "master")
    return buildtimes.newest(served, repo)
