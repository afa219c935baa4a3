"""16 new Flask apps pushed at once, against the same pushes one after the other divided by the cores.

A push has ended when its app is live, and each app is then asked.
"""

import os
from pathlib import Path

from benchmarks import stats
from benchmarks.errors import require
from benchmarks.first_push_flask import REQUIREMENTS, SOURCE
from benchmarks.git_client import Call, GitClient
from benchmarks.installs import served_beside_index
from benchmarks.pushes import admin_token, git_url
from benchmarks.tables import table, verdict
from tests.served import Served

BAR = 1.2
ROUNDS = 3
APPS = 16


def run(rounds: int | None) -> str:
    at_once: list[float] = []
    in_turn: list[float] = []
    with served_beside_index(REQUIREMENTS) as (served, _):
        for number in range(rounds or ROUNDS):
            sides = [lambda n=number: in_turn.append(_pushed(served, n, at_once=False))]
            sides.append(lambda n=number: at_once.append(_pushed(served, n, at_once=True)))
            for side in sides if number % 2 else reversed(sides):
                side()
    cores = os.cpu_count() or 1
    share = [took / cores for took in in_turn]
    ratio = stats.ratio(at_once, share)
    rows = [
        ("one after the other", len(in_turn), stats.seconds(in_turn), ""),
        (f"that divided by {cores} cores", len(share), stats.seconds(share), "1"),
        ("at once, until the last is live", len(at_once), stats.seconds(at_once), ratio.shown()),
    ]
    heads = (f"{APPS} first pushes", "n", "seconds, median [min–max]", "ratio of medians [95 %]")
    return f"{table(heads, rows)}\n\n{verdict('Ratio', ratio, BAR)}"


def _pushed(served: Served, number: int, *, at_once: bool) -> float:
    """Make apps, push them, see that all are live, and stop them; return the seconds the pushes took."""
    kind = "all" if at_once else "each"
    apps = [f"{kind}{number}-{one}" for one in range(APPS)]
    calls = [_call(served, app, served.app(app, SOURCE)) for app in apps]
    client = GitClient(served)
    client.knows(served.url, admin_token(served))
    took = client.run_all(calls) if at_once else sum(client.run_all([call]) for call in calls)
    for app in apps:
        require(served.get(app) == (200, "flask"), f"{app} answers when its push has ended")
    for app in apps:  # it goes on, without the memory of a process
        served.stratum("scale", "web=0", cwd=served.folder / f"repo-{app}")
    return took


def _call(served: Served, app: str, repo: Path) -> Call:
    return Call(repo, ("push", git_url(served, app), "HEAD:refs/heads/master"))
