"""A release command that does not end by itself, and has been given up: it ends soon, whatever it ignores."""

from pathlib import Path

import pytest

from tests.integration.test_release_phase import SLEEP, call_off, pushed, targets
from tests.stage import SHARED, marked, staged
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


def test_one_that_is_called_off_is_not_waited_for_as_long_as_a_process_that_stops() -> None:
    with staged(stop_grace_s=600) as patient:
        app = patient.app("stubborn")
        rollout = pushed(patient, app, targets(f"trap '' TERM; touch {SHARED}.begun; {SLEEP}"))
        applier = patient.applier(app)
        wait_until(Path(f"{patient.shared(app)}.begun").exists, 60)

        assert call_off(patient, rollout)

        assert applier.wait(60) == 0
        assert patient.rollout(rollout).error.startswith("The release phase was ended: canceled by me.")
        assert marked(patient, "MyProdEnv.stubborn.v1") == []
