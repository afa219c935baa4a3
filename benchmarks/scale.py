"""`scale worker=+1`: from the call to the new process's first beat, over HTTP, and by the command line."""

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import instances, stats
from benchmarks.beats import Heard, listening
from benchmarks.errors import require
from benchmarks.pushes import admin_token
from benchmarks.tables import table, verdict
from tests.served import Served

BAR_S = 0.5
ROUNDS = 21
FORMATION = "/api/apps/MyProdEnv/bench/formation"
SETTLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Scaled:
    """Seconds from the call: to its end (for the command line: it says the pid), to the first beat."""

    called: float
    runs: float


def run(rounds: int | None) -> str:
    with instances.fresh(STRATUM_STOP_GRACE_S="3") as served, listening() as heard:
        repo = served.app("bench", heard.source)
        served.push(repo)
        served.stratum("worker", "worker", cwd=repo)
        token = admin_token(served)
        by: dict[str, Callable[[int], object]] = {
            "HTTP API": lambda count: _put(served, token, count),
            "`stratum scale`": lambda count: served.stratum("scale", f"worker={count}", cwd=repo),
        }
        found: dict[str, list[Scaled]] = {name: [] for name in by}
        for _ in range(rounds or ROUNDS):
            for name, call in by.items():
                found[name].append(_up(call, heard))
                _down(served, token)
    rows = [(name, len(times), *_columns(times)) for name, times in found.items()]
    heads = ("scale 1 → 2, by", "n", "the call, s, median [min–max]", "call → process runs, s")
    runs = stats.of_median([scaled.runs for scaled in found["HTTP API"]])
    return f"{table(heads, rows)}\n\n{verdict('Call → process runs', runs, BAR_S, ' s')}"


def _columns(times: list[Scaled]) -> tuple[str, str]:
    return stats.seconds([one.called for one in times]), stats.seconds([one.runs for one in times])


def _up(call: Callable[[int], object], heard: Heard) -> Scaled:
    known = {beat.pid for beat in heard.beats}
    start = time.monotonic()
    call(2)
    called = time.monotonic() - start
    return Scaled(called, heard.wait_for_other(known) - start)


def _down(served: Served, token: str) -> None:
    _put(served, token, 1)
    time.sleep(SETTLE_S)


def _put(served: Served, token: str, scale: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    headers = {"Host": f"localhost:{served.port}", "Authorization": f"Bearer {token}"}
    body = json.dumps({"worker": scale})
    connection.request("PUT", FORMATION, body, {**headers, "Content-Type": "application/json"})
    response = connection.getresponse()
    said = response.read()
    connection.close()
    require(response.status == 200, f"{response.status} is the answer 200", said.decode())
