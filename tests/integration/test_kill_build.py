"""Kill -9 of each part that has a hand in builds, at each named point: none is in progress for ever.

One push for each; afterwards its build has ended once, its release runs, and nothing is left of it.
What receives pushes, redis and supervisord are killed at these points in test_kill.py.
"""

import os

import pytest

from stratum.faults import GATED_POINTS, POINTS
from tests.killing import Round, Trial
from tests.served import Served
from tests.waiting import found, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

BUILDING = [point for point in (*POINTS, *GATED_POINTS) if point.startswith("build.")]
# Who builds, who takes back what it leaves, who waits for it, and who runs its steps for it.
PARTS = ["self", "reconciler", "master", *(["_door"] if os.geteuid() == 0 else [])]


@pytest.fixture(scope="module")
def trial():
    made = Trial(Served.in_new_folder(STRATUM_STOP_GRACE_S="3", STRATUM_DRAIN_S="1"))
    yield made
    made.served.end()


def states(trial: Trial) -> set[object]:
    return {row["status"] for row in trial.served.rows("builds", cwd=trial.repo)}


@pytest.mark.parametrize("point", BUILDING)
@pytest.mark.parametrize("part", PARTS)
def test_a_build_ends_whoever_of_its_parts_is_killed(trial, point, part):
    options = ("gate=build",) if point in GATED_POINTS else ()

    trial.run(Round(point, part, options=options))

    assert states(trial) <= {"succeeded", "canceled"}
    wait_until(lambda: not found(trial.layout.builds, "*/*"), timeout=60)
