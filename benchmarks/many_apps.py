"""16 new Flask apps pushed at once, against the same pushes one after the other divided by the cores.

A push has ended when its app is live, and each app is then asked. Beside the times stands what the processors
did meanwhile, whoever's work it was: no ratio can be below work at once ÷ time one after the other.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks import stats
from benchmarks.errors import require
from benchmarks.first_push_flask import REQUIREMENTS, SOURCE
from benchmarks.git_client import Call, GitClient
from benchmarks.installs import served_beside_index
from benchmarks.processors import all_work_s
from benchmarks.pushes import admin_token, git_url
from benchmarks.tables import table, verdict
from tests.served import Served

BAR = 1.2
ROUNDS = 3
APPS = 16


@dataclass(frozen=True, slots=True)
class Took:
    """What some pushes took: time, and work of all processors together."""

    seconds: float
    work_s: float


def run(rounds: int | None) -> str:
    at_once: list[Took] = []
    in_turn: list[Took] = []
    with served_beside_index(REQUIREMENTS) as (served, _):
        for number in range(rounds or ROUNDS):
            sides = [lambda n=number: in_turn.append(_pushed(served, n, at_once=False))]
            sides.append(lambda n=number: at_once.append(_pushed(served, n, at_once=True)))
            for side in sides if number % 2 else reversed(sides):
                side()
    cores = os.cpu_count() or 1
    alone, together = [one.seconds for one in in_turn], [one.seconds for one in at_once]
    share = [took / cores for took in alone]
    ratio = stats.ratio(together, share)
    least = stats.ratio([one.work_s for one in at_once], alone)
    rows = [
        ("one after the other", len(alone), stats.seconds(alone), _work(in_turn), ""),
        (f"that divided by {cores} cores", len(share), stats.seconds(share), "", "1"),
        (
            "at once, until the last is live",
            len(together),
            stats.seconds(together),
            _work(at_once),
            ratio.shown(),
        ),
        ("at once, were no processor ever idle", len(together), "", "", least.shown()),
    ]
    heads = (
        f"{APPS} first pushes",
        "n",
        "seconds, median [min–max]",
        "processors' work, s",
        "ratio of medians [95 %]",
    )
    return f"{table(heads, rows)}\n\n{verdict('Ratio', ratio, BAR)}"


def _work(found: list[Took]) -> str:
    return stats.seconds([one.work_s for one in found])


def _pushed(served: Served, number: int, *, at_once: bool) -> Took:
    """Make apps, push them, see that all are live, and stop them; return what the pushes took."""
    kind = "all" if at_once else "each"
    apps = [f"{kind}{number}-{one}" for one in range(APPS)]
    calls = [_call(served, app, served.app(app, SOURCE)) for app in apps]
    client = GitClient(served)
    client.knows(served.url, admin_token(served))
    before_s = all_work_s()
    seconds = client.run_all(calls) if at_once else sum(client.run_all([call]) for call in calls)
    took = Took(seconds, all_work_s() - before_s)
    for app in apps:
        require(served.get(app) == (200, "flask"), f"{app} answers when its push has ended")
    for app in apps:  # it goes on, without the memory of a process
        served.stratum("scale", "web=0", cwd=served.folder / f"repo-{app}")
    return took


def _call(served: Served, app: str, repo: Path) -> Call:
    return Call(repo, ("push", git_url(served, app), "HEAD:refs/heads/master"))
