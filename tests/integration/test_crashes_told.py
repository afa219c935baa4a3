"""A worker that keeps crashing, as a person sees it: on a whole instance, from push to push."""

import os
import re
import signal
import sqlite3
from contextlib import closing

import pytest

from tests.repos import commit
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

# Its first life lasts until it is killed: it has to be seen to have come up.
CRASHING = 'mkdir began 2>/dev/null && exec sleep 1000; sleep 0.6; echo "no broker at $BROKER"; exit 3'


def test_a_crash_loop_is_told_by_ps_events_logs_and_the_next_push(served):
    """Its last words without the values of variables, and no word of it once it is mended."""
    repo = served.app("crashing", {"Procfile": f"worker: {CRASHING}\n"})
    served.push(repo)
    served.stratum("vars", "set", "BROKER=amqp-with-a-secret", cwd=repo)
    served.stratum("worker", "worker", cwd=repo)
    (worker,) = served.rows("ps", cwd=repo)
    os.kill(int(str(worker["pid"])), signal.SIGKILL)

    wait_until(lambda: "crash-looping (exit 3)" in served.stratum("ps", cwd=repo), 90)

    told = served.stratum("ps", cwd=repo)
    said = r"worker\.1 of v2 is crash-looping since 20\S+ \S+ UTC: \d+ crashes, the last with exit 3\n"
    assert re.search(said + r" {7}no broker at \[BROKER\]\n", told)
    assert "amqp-with-a-secret" not in told
    events = served.stratum("events", "-t", "worker", cwd=repo)
    assert events.count("ended by itself (exit 3) after ") >= 2
    assert events.count("is crash-looping") == 1
    with closing(sqlite3.connect(served.data / "state" / "stratum.db")) as database:
        asked = "select count(*) from events where kind = 'crash-looping'"
        wait_until(lambda: database.execute(asked).fetchall() == [(1,)], 60)
    logs = served.stratum("logs", "-t", "worker", "-i", "1", "--since", "10m", "--grep", "broker", cwd=repo)
    assert logs.startswith("worker.1 | no broker at amqp-with-a-secret\n")

    commit(repo, {"Procfile": "worker: exec sleep 1000\n"})
    pushed = served.push(repo)
    assert re.search(r"worker\.1 of v2 is crash-looping since .*; stratum ps shows its last lines", pushed)
    wait_until(lambda: "crash-looping" not in served.stratum("ps", cwd=repo), 60)
