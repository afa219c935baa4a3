"""Many apps deployed, scaled, paused, crashed and killed at random: wish = reality, and nothing is left.

`SOAK_SEED` repeats what was left to chance; `SOAK_S` is how long `make soak` goes on.
"""

import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.served import Served
from tests.unrest import KILLS, Unrest

pytestmark = pytest.mark.integration

SEED = int(os.environ.get("SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
SOAK_S = float(os.environ.get("SOAK_S", "600"))
PORTS = {
    "STRATUM_PORT_FIRST": "29000",
    "STRATUM_PORT_LAST": "29399",
}  # two lives of two web processes of each


@contextmanager
def unrest(apps: int, ports: dict[str, str] | None = None, *, as_user: bool = False) -> Iterator[Unrest]:
    """Start an instance; what was done is told with whatever goes wrong."""
    served = Served.in_new_folder(STRATUM_STOP_GRACE_S="3", STRATUM_DRAIN_S="1", **(ports or {}))
    made = None
    try:
        if as_user:
            served.start_as_user()
        made = Unrest(served, apps, SEED)
        made.check()
        yield made
    except BaseException as error:
        trail = made.trail if made else []
        error.add_note("\n".join([f"SOAK_SEED={SEED}", *trail, served.service_logs()]))
        raise
    finally:
        served.end()


@pytest.mark.timeout(600)
def test_whatever_is_done_and_killed_ends_as_wished_with_nothing_left():
    with unrest(apps=6) as one:
        for _ in range(KILLS):
            one.bout()
        one.check(at_end=True)


@pytest.mark.soak
@pytest.mark.skipif(os.getuid() != 0, reason="the others are run as an ordinary user then")
@pytest.mark.timeout(1800)
def test_soak_as_an_ordinary_user():
    with unrest(apps=6, as_user=True) as one:
        for _ in range(2 * KILLS):
            one.bout()
        one.check(at_end=True)


@pytest.mark.soak
@pytest.mark.timeout(int(SOAK_S) + 1800)
def test_soak_of_thirty_apps(capsys):
    with unrest(30, PORTS) as one:
        until, told = time.monotonic() + SOAK_S, 0
        while time.monotonic() < until:
            one.bout(at_once=6)
            with capsys.disabled():
                sys.stdout.write("".join(f"{line}\n" for line in one.trail[told:]))
                sys.stdout.flush()
            told = len(one.trail)
        one.check(at_end=True)
