"""16 Flask apps pushed at once, against the same pushes one after the other divided by the cores.

First when they are new, so that each installs its packages; then again, with a changed file. A push has ended
when its app is live, and each app is then asked. Beside the times stands what the processors did meanwhile,
whoever's work it was: no ratio can be below work at once ÷ time one after the other.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
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
SETTLE_S = 5.0  # so that what the first pushes have left to the disk, and to upkeep, is done


@dataclass(frozen=True, slots=True)
class Took:
    """What some pushes took: time, and work of all processors together."""

    seconds: float
    work_s: float


@dataclass(frozen=True, slots=True)
class Pushes:
    """Pushes of one kind, by round."""

    what: str
    in_turn: list[Took] = field(default_factory=list)
    at_once: list[Took] = field(default_factory=list)


def run(rounds: int | None) -> str:
    first, again = Pushes("first pushes"), Pushes("pushes of a change")
    with served_beside_index(REQUIREMENTS) as (served, _):
        for number in range(rounds or ROUNDS):
            for at_once in (True, False) if number % 2 == 0 else (False, True):
                made, changed = _pushed(served, number, at_once=at_once)
                (first.at_once if at_once else first.in_turn).append(made)
                (again.at_once if at_once else again.in_turn).append(changed)
    return "\n\n".join(_compared(kind) for kind in (first, again))


def _compared(pushes: Pushes) -> str:
    cores = os.cpu_count() or 1
    alone, together = [[one.seconds for one in took] for took in (pushes.in_turn, pushes.at_once)]
    share = [took / cores for took in alone]
    ratio = stats.ratio(together, share)
    least = stats.ratio([one.work_s for one in pushes.at_once], alone)
    n, until = len(alone), "at once, until the last is live"
    rows = [
        ("one after the other", n, stats.seconds(alone), _work(pushes.in_turn), ""),
        (f"that divided by {cores} cores", n, stats.seconds(share), "", "1"),
        (until, n, stats.seconds(together), _work(pushes.at_once), ratio.shown()),
        ("at once, were no processor ever idle", n, "", "", least.shown()),
    ]
    heads = (
        f"{APPS} {pushes.what}",
        "n",
        "seconds, median [min–max]",
        "processors' work, s",
        "ratio of medians [95 %]",
    )
    return f"{table(heads, rows)}\n\n{verdict(f'Ratio of {pushes.what}', ratio, BAR)}"


def _work(found: Sequence[Took]) -> str:
    return stats.seconds([one.work_s for one in found])


def _pushed(served: Served, number: int, *, at_once: bool) -> tuple[Took, Took]:
    """Make apps, push them, push a change to each, and stop them; return what the pushes took."""
    kind = "all" if at_once else "each"
    apps = [f"{kind}{number}-{one}" for one in range(APPS)]
    calls = [_call(served, app, served.app(app, SOURCE)) for app in apps]
    client = GitClient(served)
    client.knows(served.url, admin_token(served))
    made = _took(client, calls, at_once=at_once)
    _require(served, apps, "flask")
    time.sleep(SETTLE_S)
    for call in calls:
        served.commit(call.folder, web__py=SOURCE["web.py"].replace('"flask"', '"changed"'))
    changed = _took(client, calls, at_once=at_once)
    _require(served, apps, "changed")
    for app in apps:  # it goes on, without the memory of a process
        served.stratum("scale", "web=0", cwd=served.folder / f"repo-{app}")
    return made, changed


def _took(client: GitClient, calls: Sequence[Call], *, at_once: bool) -> Took:
    before_s = all_work_s()
    seconds = client.run_all(calls) if at_once else sum(client.run_all([call]) for call in calls)
    return Took(seconds, all_work_s() - before_s)


def _require(served: Served, apps: Sequence[str], said: str) -> None:
    for app in apps:
        require(served.get(app) == (200, said), f"{app} answers {said} when its push has ended")


def _call(served: Served, app: str, repo: Path) -> Call:
    return Call(repo, ("push", git_url(served, app), "HEAD:refs/heads/master"))
