"""Building an app again whose dependencies are unchanged, against `git archive | tar x` of the commit.

The app is Flask + RQ, with a few files and with 10,000. Ours is the whole build, from the push's
acceptance to the recorded release; what comes after it, release phase and rollout, is not counted.
"""

import subprocess
import time
from pathlib import Path

from benchmarks import buildtimes, stats
from benchmarks.cold_install import REQUIREMENTS, SOURCE
from benchmarks.errors import require
from benchmarks.installs import served_beside_index
from benchmarks.pushes import Client, admin_token, git_url
from benchmarks.tables import table, verdict
from benchmarks.trees import many_files
from tests.served import Served

BAR_S = 0.5
ROUNDS = 11
_PIPE = 'git archive --format=tar HEAD | tar -xf - -C "$1"'


def run(rounds: int | None) -> str:
    with served_beside_index(REQUIREMENTS) as (served, _):
        few = _measured(served, "few", {}, rounds or ROUNDS)
        many = _measured(served, "many", many_files(), rounds or ROUNDS)
    rows = [
        (name, len(ours), stats.seconds(ours), stats.seconds(theirs), stats.difference(ours, theirs).shown())
        for name, (ours, theirs) in (("2 files", few), ("10,002 files", many))
    ]
    heads = ("Flask + RQ, lock unchanged", "n", "build, s, median [min–max]", "checkout, s", "more [95 %]")
    verdicts = [
        verdict(
            f"With {name} a rebuild takes, more than the checkout,", stats.difference(*sides), BAR_S, " s"
        )
        for name, sides in (("few files", few), ("10,000 files", many))
    ]
    return "\n\n".join((table(heads, rows), *verdicts))


def _measured(
    served: Served, app: str, files: dict[str, str], rounds: int
) -> tuple[list[float], list[float]]:
    repo = served.app(app, {**SOURCE, **files})
    client, url = Client(served, repo), git_url(served, app)
    client.knows(url, admin_token(served))
    client.push(url, "master")
    ours, theirs = [], []
    for number in range(rounds):
        client.change()
        theirs.append(_checkout(repo, served.folder / f"{app}{number}"))
        client.push(url, "master")
        ours.append(buildtimes.newest(served, repo))
    said = served.stratum("builds", "follow", str(rounds + 1), cwd=repo)
    require("nothing to install" in said or "unchanged" in said, "nothing was installed again", said)
    return ours, theirs


def _checkout(repo: Path, goal: Path) -> float:
    goal.mkdir()
    start = time.perf_counter()
    subprocess.run(["/bin/sh", "-c", _PIPE, "sh", str(goal)], cwd=repo, check=True)
    return time.perf_counter() - start
