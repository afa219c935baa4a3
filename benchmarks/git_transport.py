"""Git's transport, against nginx + fcgiwrap + `git http-backend` with the same repositories and settings.

Ours goes through Caddy, the token's check, receive hooks, journal and policy. The peer has basic
authentication and two hooks of `exit 0`. Nothing that is pushed deploys.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import git_operations as operations
from benchmarks import git_repositories, git_sides, instances, stats
from benchmarks.git_client import GitClient
from benchmarks.git_operations import SMALL, Bench, Times
from benchmarks.git_sides import EMPTY
from benchmarks.process_tree import growth
from benchmarks.tables import table, verdict
from tests.served import Served

GROWTH_BAR_MIB, GROWTH_AIM_MIB, GROWTH_ROUNDS = 64, 32, 3
HELPED_ROUNDS = 11


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: its ratio must not be above the bar, and should not be above the aim."""

    what: str
    measure: Callable[[Bench, int], Times]
    bar: float
    aim: float
    rounds: int


ROWS = (
    Row("push of 1 commit", operations.push_one_commit, 1.10, 0.95, 41),
    Row("initial push, mid", operations.push_all_of("mid"), 1.10, 0.95, 11),
    Row("initial push, big", operations.push_all_of("big"), 1.05, 0.85, 7),
    Row("clone of mid", operations.clone_of("mid"), 1.05, 0.90, 15),
    Row("clone of big", operations.clone_of("big"), 1.20, 1.00, 7),
    Row("fetch of 50 commits", operations.fetch_50_commits, 1.15, 1.00, 31),
    Row("ls-remote", operations.ls_remote, 1.05, 0.85, 41),
    Row("8 pushes at once, 8 repositories", operations.push_to_many, 1.05, 0.90, 15),
    Row("8 pushes at once, 1 repository", operations.push_to_one, 1.05, 1.00, 15),
)


def run(rounds: int | None) -> str:
    with instances.fresh() as served:
        client, scratch = GitClient(served), served.folder / "scratch"
        scratch.mkdir()
        sources = _sources(served.folder / "sources")
        ours = git_sides.ours(served, client, sources)
        with git_sides.theirs(served, ours, client) as theirs:
            bench = Bench(client, (ours, theirs), sources, scratch)
            rows = [_measured(row, bench, rounds or row.rounds) for row in ROWS]
        helped = _with_own_helper(served, bench, rounds or HELPED_ROUNDS)
        grown = _growth(served, bench, rounds or GROWTH_ROUNDS)
        objects = git_repositories.count_objects(sources["mid"])
    heads = ("medians", "n", "Stratum, ms", "peer, ms", "ratio [95 %]", "bar", "aim", "")
    about = f"mid: {git_repositories.COMMITS:,} commits, {objects:,} objects; big: 150 MiB, incompressible."
    return "\n\n".join((table(heads, rows), about, helped, grown))


def _sources(folder: Path) -> dict[str, Path]:
    big, mid = git_repositories.make_big(folder / "big"), git_repositories.make_mid(folder / "mid")
    small = {name: folder / name for name in SMALL}
    first, *others = small.values()
    git_repositories.make_small(first)
    for other in others:
        shutil.copytree(first, other)
    return {"big": big, "mid": mid, EMPTY: mid, **small}


def _measured(row: Row, bench: Bench, count: int) -> tuple[object, ...]:
    times = row.measure(bench, count)
    mine, other = (times[side.name] for side in bench.sides)
    ratio = stats.ratio(mine, other)
    shown = (stats.milliseconds(mine), stats.milliseconds(other), ratio.shown())
    return row.what, count, *shown, f"{row.bar:.2f}", f"{row.aim:.2f}", _reached(row, ratio)


def _reached(row: Row, ratio: stats.Estimate) -> str:
    if ratio.value > row.bar:
        return "**MISSED**" if ratio.low > row.bar else "**MISSED**, but the interval spans the bar"
    if ratio.high > row.bar:
        return "met, but the interval spans the bar"
    return "aim met" if ratio.value <= row.aim else "met"


def _with_own_helper(served: Served, bench: Bench, count: int) -> str:
    """Time the first row's push with the credential helper that a person has."""
    name = SMALL[0]
    served.stratum("associate", git_sides.ENVIRONMENT, name, "bench", cwd=bench.sources[name])
    times = operations.push_with_own_helper(bench, count)
    took = stats.milliseconds(times)
    return f"Push of 1 commit with the helper of `stratum associate`: {took} ms, n = {count}."


def _growth(served: Served, bench: Bench, count: int) -> str:
    """Measure the memory that the big push takes of all our processes together."""
    root = served.supervisord_pid()
    grown = [growth(root, lambda: operations.push_big(bench)) for _ in range(count)]
    rate = min(one.rate for one in grown)
    most = max(one.grown for one in grown)
    each = ", ".join(f"{one.grown:.1f}" for one in grown)
    what = (
        f"Growth of our processes over the push of big ({each} MiB PSS, {rate:.0f} samples a second), at most"
    )
    aim = "met" if most <= GROWTH_AIM_MIB else "missed"
    return f"{verdict(what, most, GROWTH_BAR_MIB, ' MiB')} Aim {GROWTH_AIM_MIB} MiB: {aim}."
