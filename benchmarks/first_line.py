"""How long a pusher waits for the first `remote:` line, from the last byte of the pack that was sent.

Each push deploys, to one app, through Caddy, and is followed to its end, so that the next finds an
instance at rest. The request is made by hand: git would begin to count before it has packed.
"""

import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

from benchmarks import instances
from benchmarks.errors import require
from benchmarks.tables import table, verdict
from tests.rawgit import RECEIVE, ZERO, headers_for, push_body
from tests.repos import commit, make_repo
from tests.served import Served

BAR_MS = 100.0
ROUNDS = 41
WARM = 3
APP, ENVIRONMENT = "lines", "First"
_PROGRESS = b"\x02"


def run(rounds: int | None) -> str:
    with instances.fresh() as served:
        served.stratum("environments", "create", ENVIRONMENT)
        served.stratum("apps", "create", APP, "-E", ENVIRONMENT)
        secret = (served.data / "admin.token").read_text().strip()
        source = make_repo(served.folder / "pushed", {"Procfile": "worker: sleep 1000\n"})
        took = [_pushed(served, secret, body) for body in _bodies(source, WARM + (rounds or ROUNDS))][WARM:]
    p95 = quantiles(took, n=20)[18]
    head = (f"first `remote:` line, n = {len(took)}", "median, ms", "p95, ms", "lowest–highest, ms")
    row = ("a push that deploys", f"{median(took):.0f}", f"{p95:.0f}", f"{min(took):.0f}–{max(took):.0f}")
    verdicts = (verdict("median", median(took), BAR_MS, " ms"), verdict("p95", p95, BAR_MS, " ms"))
    return "\n\n".join((table(head, [row]), "\n".join(verdicts)))


def _bodies(source: Path, count: int) -> Iterator[bytes]:
    """Make pushes of one commit each, each upon the one before."""
    old = ZERO
    for number in range(count):
        new = commit(source, {"round": f"{number}\n"})
        yield push_body(source, old, new)
        old = new


def _pushed(served: Served, secret: str, body: bytes) -> float:
    """Push; return the time to the first line, in ms."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=120)
    connection.putrequest("POST", f"/{ENVIRONMENT}/{APP}.git/{RECEIVE}")
    for name, value in headers_for(secret, Content_Length=str(len(body))).items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(body)
    sent = time.perf_counter()
    answer, said = connection.getresponse(), b""
    while not _has_line(said):
        read = answer.read1()
        require(bool(read), "the push is answered with a line", said.decode("utf-8", "replace"))
        said += read
    took = (time.perf_counter() - sent) * 1000
    said += answer.read()
    connection.close()
    require(b"ok refs/heads/master" in said, "the push is taken", said.decode("utf-8", "replace"))
    return took


def _has_line(said: bytes) -> bool:
    """Whether a whole packet of progress has come."""
    while len(said) >= 4 and len(said) >= (size := max(int(said[:4], 16), 4)):  # pkt-line's head
        if said[4:5] == _PROGRESS and size > 5:  # more than a keepalive's band
            return True
        said = said[size:]
    return False
