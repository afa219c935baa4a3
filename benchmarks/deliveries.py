"""How quickly web hooks' deliveries are answered beside 200 live pushes, against `GET /healthz`.

1,000 a minute, signed, of a branch that is ignored; between any two of them the question whether the server
is well, so that both meet the same machine. All of it goes through Caddy, each on a connection of its own.
"""

import http.client
import time
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks import instances, stats
from benchmarks.errors import require
from benchmarks.live_pushes import ENVIRONMENT, PUSHES, Load
from benchmarks.tables import table, verdict
from stratum.store import Database, deliveries
from tests.deliveries import encoded, headers, push
from tests.served import Served

BAR = 3.0
ROUNDS = 5
A_MINUTE = 1000
ROUND_S = 12.0
WARM = 20  # requests that are not counted


@dataclass(frozen=True, slots=True)
class Round:
    """What requests took, in ms."""

    posts: list[float]
    gets: list[float]


def run(rounds: int | None) -> str:
    found = []
    with instances.fresh() as served:
        load = Load.prepared(served)
        served.remote.create_app(ENVIRONMENT, "hooked")
        app = served.remote.app(ENVIRONMENT, "hooked")
        made = app.webhooks.create({"provider": "github", "clone_url": "https://git.example.com/a.git"})
        with load.following(talk=False):
            load.begin_builds()
        for number in range(rounds or ROUNDS):
            with load.following(talk=True):
                found.append(_round(load, made["path"], made["secret"], number))
        waiting = _waiting(served)
    require(waiting == 0, "no delivery waits", waiting)
    return _section(found)


def _round(load: Load, path: str, secret: str, number: int) -> Round:
    signed = []
    for one in range(WARM + int(ROUND_S * A_MINUTE / 60)):
        body = encoded({**push("github", "topic"), "round": number, "number": one})
        signed.append((body, headers("github", body, secret, f"{number}-{one}")))
    found = Round([], [])
    due = time.perf_counter()
    for body, sent in signed:
        time.sleep(max(0.0, due - time.perf_counter()))
        due += 60 / A_MINUTE
        found.posts.append(_took(load.served, "POST", path, body, sent))
        found.gets.append(_took(load.served, "GET", "/healthz", b"", {}))
    return Round(found.posts[WARM:], found.gets[WARM:])


def _took(served: Served, method: str, path: str, body: bytes, sent: dict[str, str]) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    began = time.perf_counter()
    connection.request(method, path, body, sent)
    answer = connection.getresponse()
    answer.read()
    took = (time.perf_counter() - began) * 1000
    connection.close()
    require(answer.status == 200, f"{method} {path}", answer.status)
    return took


def _waiting(served: Served) -> int:
    database = Database.open(served.data / "state/stratum.db")
    with database.read() as tx:
        found = len(deliveries.queued(tx, due=False))
    database.close()
    return found


def _section(found: list[Round]) -> str:
    rows = []
    p99: dict[str, list[float]] = {}
    for name, kind in (("POST /hooks/github/…, ignored", "posts"), ("GET /healthz", "gets")):
        each = [getattr(one, kind) for one in found]
        p99[kind] = [quantiles(one, n=100)[98] for one in each]
        rows.append((name, f"{median(map(median, each)):.1f}", f"{median(p99[kind]):.1f}"))
    what = f"{A_MINUTE:,} a minute beside {PUSHES} live pushes, n = {len(found)} rounds"
    head = (what, "p50, ms", "p99, ms")
    return "\n\n".join(
        (
            table(head, rows),
            verdict("p99 of POST to that of GET", stats.ratio(p99["posts"], p99["gets"]), BAR),
        )
    )
