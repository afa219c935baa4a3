"""Processes that keep ending, on a real supervisord with the plugin."""

import os
from collections.abc import Iterator

import pytest

from runner.engines.supervisord.rpc import Wanted
from tests.noted import noted
from tests.supervision import Supervised, supervised
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

WORKER = Wanted("MyProdEnv", "app02", 7, 1, "worker", 1)


@pytest.fixture(scope="module")
def server() -> Iterator[Supervised]:
    with supervised(fenced=os.getuid() == 0) as running:
        yield running


def test_what_keeps_ending_waits_longer_each_time_and_is_never_given_up(server: Supervised) -> None:
    server.run(WORKER, "date +%s.%N; exit 0")
    wait_until(lambda: server.status(WORKER).crashes >= 3, 60)

    seen = server.status(WORKER)
    assert (seen.state, seen.exit_status, seen.has_ended) == ("BACKOFF", 0, False)
    assert seen.crashing_since is not None
    starts = [float(line) for line in server.log(WORKER).read_text().split()]
    first, second = starts[1] - starts[0], starts[2] - starts[1]
    assert first >= 0.75
    assert second >= 1.5, "twice as long, less a quarter"
    stopped = server.stopped(WORKER)
    assert (stopped.state, stopped.crashes, stopped.crashing_since) == ("STOPPED", 0, None)


def test_what_ends_after_its_first_second_is_back_at_once_and_the_second_time_waits(
    server: Supervised,
) -> None:
    second = Wanted("MyProdEnv", "app02", 7, 2, "worker", 1)
    server.run(second, "date +%s.%N; sleep 1.2; date +%s.%N; exit 3")

    wait_until(lambda: server.status(second).restarts == 2, 60)

    wait_until(lambda: len(server.log(second).read_text().split()) == 6, 60)
    _, ended, again, ended_again, third, _ = map(float, server.log(second).read_text().split())
    assert again - ended < third - ended_again
    wait_until(lambda: server.status(second).crashes == 3, 60)
    assert server.status(second).state == "BACKOFF", "and not EXITED, where supervisorctl could not stop it"
    assert server.ctl("stop", "MyProdEnv.app02.v2.worker.1").endswith(": stopped\n")
    assert server.status(second).state == "STOPPED"


def test_each_start_and_end_is_noted_beside_the_log(server: Supervised) -> None:
    third = Wanted("MyProdEnv", "app02", 8, 1, "worker", 1)
    pid = server.run(third, "exit 3")
    wait_until(lambda: server.status(third).crashes >= 3, 60)
    server.stopped(third)
    server.run(third, "exec sleep 1000")
    server.stopped(third)

    file = server.log(third).parent / "events"
    found = noted(file)
    kinds = [event.kind.value for event in found]
    assert kinds == [*["started", "exited"] * 3, "crash-looping", "stopped", "started", "stopping", "stopped"]
    assert (found[0].pid, found[1].pid, found[1].exit_status) == (pid, pid, 3)
    assert [event.exit_status for event in found[-4:]] == [None, None, None, -15]
    if server.fenced:
        assert file.stat().st_mode & 0o777 == 0o640
        assert file.stat().st_gid == server.owner
