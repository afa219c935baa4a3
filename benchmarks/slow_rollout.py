"""`scale` of one app while another's rollout waits for a health check of 60 s, and while nothing does."""

import json
import time

from benchmarks import stats
from benchmarks.beats import PLAIN
from benchmarks.crowds import TARGET, Crowd, crowd
from benchmarks.errors import require
from benchmarks.tables import table

CHECK_S = 60
SLOW = "slow"
ROUNDS = 3  # blocks of each kind, in turns
TIMES = 5  # in a block
SETTLE_S = 2.0  # so that the build's end and the start of the slow one are over
CHECK = {"type": "startup", "name": "slow", "path": "/", "initialDelay": CHECK_S}
SOURCE = {"Procfile": "web: python3 web.py\n", "web.py": (PLAIN / "web.py").read_text(), "text": "first"}


def run(rounds: int | None) -> str:
    idle: list[float] = []
    beside: list[float] = []
    with crowd(1) as side:
        repo = side.served.app(SLOW, SOURCE)
        side.served.push(repo)
        for number in range(rounds or ROUNDS):
            idle += _block(side)
            side.served.commit(
                repo, app__json=json.dumps({"healthchecks": {"web": [CHECK]}}), text=str(number)
            )
            side.served.push(repo, "-o", "detach", "master")
            _await_slow(side)
            beside += _block(side)
            _call_off(side)
    rows = [
        (what, len(times), stats.milliseconds(times))
        for what, times in (("nothing else", idle), (f"a rollout whose check takes {CHECK_S} s", beside))
    ]
    delay = stats.difference([1e3 * one for one in beside], [1e3 * one for one in idle])
    seen = "MISSED" if delay.low > 0 else "met: none is seen"
    said = f"Delay: {delay.shown('.0f')} ms; bar: not at all: **{seen}**."
    return f"{table(('scale +1, call → runs, beside', 'n', 'ms, median [min–max]'), rows)}\n\n{said}"


def _block(side: Crowd) -> list[float]:
    time.sleep(SETTLE_S)
    found = []
    for _ in range(TIMES):
        side.starts.require_none()
        began = time.time()
        side.app.scale({TARGET: 2})
        found.append(side.starts.next().at - began)
        side.settle(side.app.scale({TARGET: 1}))
    return found


def _await_slow(side: Crowd) -> None:
    while not _under_way(side):
        time.sleep(0.1)


def _under_way(side: Crowd) -> bool:
    """Whether its new process runs, and waits to be checked."""
    return any(row["release"] != "v1" for row in side.served.remote.app("MyProdEnv", SLOW).processes())


def _call_off(side: Crowd) -> None:
    require(_under_way(side), "the slow rollout is still under way")
    app = side.served.remote.app("MyProdEnv", SLOW)
    app.cancel_build(max(int(build["number"]) for build in app.builds()))
    while _under_way(side):
        time.sleep(0.1)
