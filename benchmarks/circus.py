"""One process more at 200 programs, from the call until it runs: ours, and `incr` of circus.

Each has 200 processes of one program: an app's target, a watcher. The sides take turns, once asked through
a client (HTTP; circus's own, which stays connected), once by their command lines.
"""

import shutil
import time
from collections.abc import Callable, Mapping

from benchmarks import circus_peer, instances, stats
from benchmarks.circus_peer import Circus
from benchmarks.crowds import TARGET, Crowd, crowd
from benchmarks.starts import Starts, starting
from benchmarks.tables import table, verdict

PROGRAMS = 200
BAR = 1.0
ROUNDS = 25
SETTLE_S = 0.5

Calls = Mapping[str, Callable[[], object]]


def run(rounds: int | None) -> str:
    folder = instances.new_folder("ci-")
    try:
        with (
            crowd(1) as ours,
            starting() as starts,
            circus_peer.running(folder, starts.program, PROGRAMS) as theirs,
        ):
            starts.next_ones(PROGRAMS)
            ours.app.scale({TARGET: PROGRAMS})
            ours.starts.next_ones(PROGRAMS - 1)
            return _compared(ours, theirs, starts, rounds or ROUNDS)
    finally:
        shutil.rmtree(folder)


def _compared(ours: Crowd, theirs: Circus, starts: Starts, rounds: int) -> str:
    by: dict[str, Calls] = {
        "client": {"ours": lambda: ours.app.scale({TARGET: "+1"}), "theirs": lambda: theirs.by(1)},
        "command line": {"ours": lambda: ours.scale_by_command("+1"), "theirs": theirs.incr},
    }
    found = {how: _in_turns(calls, (ours, theirs), starts, rounds) for how, calls in by.items()}
    rows, verdicts = [], []
    for how, (mine, others) in found.items():
        ratio = stats.ratio(mine, others)
        rows.append((how, rounds, stats.milliseconds(mine), stats.milliseconds(others), ratio.shown()))
        verdicts.append(verdict(f"By {how}, ratio", ratio, BAR))
    heads = (f"+1 at {PROGRAMS}, call → runs, by", "n", "Stratum, ms", "circus, ms", "ratio [95 %]")
    return "\n".join((table(heads, rows), "", *verdicts))


def _in_turns(
    calls: Calls, sides: tuple[Crowd, Circus], starts: Starts, rounds: int
) -> tuple[list[float], list[float]]:
    ours, theirs = sides
    mine: list[float] = []
    others: list[float] = []
    for number in range(rounds):
        turns: list[Callable[[], object]] = [
            lambda: mine.append(_timed(calls["ours"], ours.starts)),
            lambda: others.append(_timed(calls["theirs"], starts)),
        ]
        for turn in turns if number % 2 else reversed(turns):
            turn()
        ours.settle(ours.app.scale({TARGET: PROGRAMS}))
        theirs.by(-1)
        time.sleep(SETTLE_S)
    return mine, others


def _timed(call: Callable[[], object], starts: Starts) -> float:
    starts.require_none()
    began = time.time()
    call()
    return starts.next().at - began
