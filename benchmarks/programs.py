"""What one app's changes cost beside few programs and beside many: one process more, a variable, a release.

Also how soon a process that was killed runs again. Two instances side by side, a small one and one that
grows; they take turns, so that a busy minute counts for both.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack

from benchmarks import stats
from benchmarks.crowds import TARGET, Crowd, crowd
from benchmarks.processors import spent_s
from benchmarks.tables import table, verdict

FEW, MANY = 10, (1000, 3000)
BAR, CRASH_BAR_S = 1.5, 0.5
ROUNDS = 5
LIVED_S = 1.2  # what dies within its first second waits before it is started again
REST_S = 3.0

Times = dict[str, list[float]]


def run(rounds: int | None) -> str:
    sections = []
    with ExitStack() as held:
        few, many = held.enter_context(crowd(FEW)), held.enter_context(crowd(FEW))
        for programs in MANY:
            many.grow(programs)
            sections.append(_compared(few, many, rounds or ROUNDS))
    return "\n\n".join(sections)


def _compared(few: Crowd, many: Crowd, rounds: int) -> str:
    found: dict[int, Times] = {FEW: {}, many.programs: {}}
    for number in range(rounds):
        sides = (few, many) if number % 2 else (many, few)
        for side in sides:
            for what, seconds in _round(side, number).items():
                found[side.programs].setdefault(what, []).append(seconds)
    rows: list[tuple[object, ...]] = []
    verdicts = []
    for what, times in found[many.programs].items():
        ratio = stats.ratio(times, found[FEW][what])
        both = (stats.milliseconds(found[FEW][what]), stats.milliseconds(times))
        rows.append((what, rounds, *both, ratio.shown()))
        verdicts.append(verdict(f"{what.capitalize()}, ratio", ratio, BAR))
    if many.programs == MANY[0]:  # which the bar is for
        crash = stats.of_median(found[many.programs][_CRASH])
        verdicts[-1] = verdict(f"{_CRASH.capitalize()}, beside {many.programs}", crash, CRASH_BAR_S, " s")
    rows.append(("processor at rest, %", 1, *(f"{_at_rest(side):.1f}" for side in (few, many)), ""))
    heads = ("call → the process runs", "n", f"{FEW} programs, ms", f"{many.programs}, ms", "ratio [95 %]")
    return "\n".join((table(heads, rows), "", *verdicts))


_CRASH = "a process is killed → it runs again"


def _round(side: Crowd, number: int) -> dict[str, float]:
    app = side.app
    more = _timed(side, lambda: app.scale({TARGET: 2}))
    side.settle(app.scale({TARGET: 1}))
    variable = _timed(side, lambda: app.edit_variables({"NUMBER": str(number)}))
    release = _timed(side, lambda: app.rollback(None))
    return {
        "one process more": more,
        "a variable": variable,
        "a release (rollback)": release,
        _CRASH: _again(side),
    }


def _timed(side: Crowd, call: Callable[[], dict[str, object]]) -> float:
    side.starts.require_none()
    began = time.time()
    change = call()
    took = side.starts.next().at - began
    side.settle(change)
    return took


def _again(side: Crowd) -> float:
    """Kill the app's process, which has just been started, and wait for the next."""
    (row,) = side.app.processes()
    time.sleep(LIVED_S)
    began = time.time()
    os.kill(int(row["pid"]), signal.SIGKILL)
    return side.starts.next().at - began


def _at_rest(side: Crowd) -> float:
    """Processor that our own services take while nothing happens, in percent of one."""
    root = side.served.supervisord_pid()
    before = spent_s(root)
    time.sleep(REST_S)
    return 100 * (spent_s(root) - before) / REST_S
