"""Stop sequences on a real supervisord: signals in their order, waited for, and the kill at the end."""

import os
import signal
from collections.abc import Iterator
from itertools import count

import pytest

from runner.engines.supervisord.rpc import Wanted
from tests.supervision import Supervised, marked, name_of, supervised
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

NUMBERS = count(1)
# Says which signals come, and ends by none of them.
DEAF = 'for one in INT TERM USR1; do trap "echo $one" $one; done; echo up; while :; do sleep 0.05; done'


@pytest.fixture(scope="module")
def server() -> Iterator[Supervised]:
    with supervised(fenced=os.getuid() == 0) as ready:
        yield ready


@pytest.fixture
def wanted() -> Wanted:
    return Wanted("Env", "stops", 1, 1, "worker", next(NUMBERS))


def up(server: Supervised, wanted: Wanted, command: str = DEAF) -> None:
    server.run(wanted, command)
    wait_until(lambda: "up" in server.log(wanted).read_text())


def told(server: Supervised, wanted: Wanted) -> list[str]:
    said = server.log(wanted).read_text().splitlines()
    return [line for line in said if line in ("INT", "TERM", "USR1")]


def stop(server: Supervised, wanted: Wanted, *steps: tuple[str, int]) -> None:
    server.rpc.stop([name_of(wanted)], {name_of(wanted): steps})


def test_signals_come_in_their_order_and_the_kill_at_the_end(server: Supervised, wanted: Wanted) -> None:
    up(server, wanted)

    stop(server, wanted, ("int", 1), ("usr1", 0), ("term", 3))

    wait_until(lambda: server.status(wanted).has_ended, 60)
    assert told(server, wanted) == ["INT", "USR1", "TERM"]
    assert server.status(wanted).exit_status == -9
    assert marked(wanted) == []


def test_a_process_that_ends_by_the_first_is_sent_no_other(server: Supervised, wanted: Wanted) -> None:
    up(server, wanted, "trap 'echo TERM; exit 3' TERM; echo up; sleep 1000 & wait")

    stop(server, wanted, ("term", 600), ("int", 600))

    wait_until(lambda: server.status(wanted).has_ended)
    assert told(server, wanted) == ["TERM"]
    assert server.status(wanted).exit_status == 3


def test_more_is_waited_than_the_usual_grace(server: Supervised, wanted: Wanted) -> None:
    """The grace is 1 s here."""
    up(server, wanted, "trap 'sleep 2.5; exit 4' TERM; echo up; sleep 1000 & wait")

    stop(server, wanted, ("term", 60))

    wait_until(lambda: server.status(wanted).has_ended, 60)
    assert server.status(wanted).exit_status == 4


def test_without_any_it_is_killed_at_once(server: Supervised, wanted: Wanted) -> None:
    up(server, wanted)

    stop(server, wanted)

    wait_until(lambda: server.status(wanted).has_ended)
    assert told(server, wanted) == []
    assert server.status(wanted).exit_status == -9


def test_what_a_leader_leaves_and_has_to_be_killed_is_told_as_killed(
    server: Supervised, wanted: Wanted
) -> None:
    deaf = "(trap '' TERM; while :; do sleep 0.05; done)"
    up(server, wanted, f"{deaf} & trap 'exit 0' TERM; echo up; wait")

    stop(server, wanted, ("term", 1))

    wait_until(lambda: server.status(wanted).has_ended)
    assert server.status(wanted).exit_status == -9
    assert marked(wanted) == []


def test_steps_of_a_stop_between_two_starts_are_not_left_for_the_next(
    server: Supervised, wanted: Wanted
) -> None:
    server.run(wanted, "exit 3")
    wait_until(lambda: server.status(wanted).state == "BACKOFF")
    stop(server, wanted, ("term", 0), ("int", 1))
    wait_until(lambda: server.status(wanted).has_ended)
    up(server, wanted)

    server.stopped(wanted)

    assert "INT" not in told(server, wanted)


@pytest.mark.parametrize(
    "steps", [[["stop", 1]], [["term", -1]], [["term", 4000]], [[15, 1]], "term", [["kill", 5]]]
)
def test_what_is_no_sequence_stops_nothing(server: Supervised, wanted: Wanted, steps: object) -> None:
    up(server, wanted)

    server.rpc.stop([name_of(wanted)], {name_of(wanted): steps})  # type: ignore[dict-item]

    assert server.status(wanted).state in {"STARTING", "RUNNING"}
    server.stopped(wanted)


def test_shutting_down_waits_for_no_longer_than_the_usual_grace(wanted: Wanted) -> None:
    with supervised(fenced=os.getuid() == 0) as server:
        up(server, wanted)
        stop(server, wanted, ("term", 3600))
        wait_until(lambda: told(server, wanted))

        assert server.kill(signal.SIGTERM) == 0

        assert marked(wanted) == []
