"""Unpacking a commit of 10,000 files for a build, against `git archive | tar x`.

Ours is what a builder does, with its own code, account and door: from the commit to the files in the
build's scratch, written by the build's account behind its fence. Theirs is a shell's pipe, by one account.
"""

import shutil
import subprocess
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks import instances, stats
from benchmarks.errors import require
from benchmarks.pushes import Client, admin_token, git_url
from benchmarks.tables import table, verdict
from benchmarks.trees import FILES, many_files
from builder.bench import Bench
from builder.checkout import checkout
from builder.narration import Narration
from builder.workshop import Workshop
from stratum.git import Commit, git_environ
from stratum.layout import Layout
from stratum.model import NO_OPTIONS
from stratum.settings import Settings
from tests.doors import as_uid
from tests.served import Served

BAR = 1.1
ROUNDS = 15
WARM_UP = 2
APP = "files"
_FIRST = 1000  # number of a build that the app has not come to
_PIPE = 'git --git-dir="$1" archive --format=tar "$2" | tar -xf - -C "$3"'


def run(rounds: int | None) -> str:
    with instances.fresh() as served:
        repo = served.app(APP, {"Procfile": "worker: exec sleep 1000\n", **many_files()})
        client, url = Client(served, repo), git_url(served, APP)
        client.knows(url, admin_token(served))
        client.push(url, "master")
        oid = served.run("git", "rev-parse", "HEAD", cwd=repo).stdout.strip()
        scratch = served.folder / "theirs"
        uid = _service_uid(served)
        shop_settings = Settings(data=served.data)

        def measure() -> tuple[list[float], list[float]]:
            shop = Workshop.open(shop_settings)
            return _rounds(shop, scratch, oid, (rounds or ROUNDS) + WARM_UP)

        scratch.mkdir()
        shutil.chown(scratch, uid, uid)
        ours, theirs = as_uid(uid, measure)
    rows = [
        ("`git archive`, `tar x`", len(theirs), stats.milliseconds(theirs), "1"),
        ("checkout for a build", len(ours), stats.milliseconds(ours), stats.ratio(ours, theirs).shown()),
    ]
    head = (f"{FILES:,} files", "n", "ms, median [min–max]", "ratio of medians [95 %]")
    return f"{table(head, rows)}\n\n{verdict('Ratio', stats.ratio(ours, theirs), BAR)}"


def _service_uid(served: Served) -> int:
    return (served.data / "state").stat().st_uid


def _rounds(shop: Workshop, scratch: Path, oid: str, count: int) -> tuple[list[float], list[float]]:
    """Take turns, and turns at being first."""
    layout = shop.instance.layout
    ours, theirs = [], []
    for number in range(count):
        sides = [
            lambda number=number: ours.append(_ours(shop, layout, oid, _FIRST + number)),
            lambda number=number: theirs.append(_theirs(layout, oid, scratch / str(number))),
        ]
        for side in sides if number % 2 else reversed(sides):
            side()
    return ours[WARM_UP:], theirs[WARM_UP:]


def _ours(shop: Workshop, layout: Layout, oid: str, number: int) -> float:
    build: Any = SimpleNamespace(app_id=1, number=number, options=NO_OPTIONS)
    with closing(Narration(layout.build_log(1, number))) as narration:
        bench = Bench(shop, build, narration)
        start = time.perf_counter()
        checkout(bench, Commit(layout.repo(1), oid))
        return time.perf_counter() - start


def _theirs(layout: Layout, oid: str, goal: Path) -> float:
    goal.mkdir()
    start = time.perf_counter()
    argv = ["/bin/sh", "-c", _PIPE, "sh", str(layout.repo(1)), oid, str(goal)]
    subprocess.run(argv, check=True, env=git_environ())
    took = time.perf_counter() - start
    require(len(list(goal.rglob("*.txt"))) == FILES, "all files are unpacked")
    return took
