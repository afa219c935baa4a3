"""Rollouts on a real supervisord with the real plugin and door, through a real Caddy."""

import os
import time
from collections.abc import Iterator

import pytest

from stratum.model import Outcome, RolloutState
from tests.stage import RUN_WEB, Stage, marked, staged
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(router=True) as ready:
        yield ready


def test_first_release_comes_up_and_is_served(stage: Stage) -> None:
    app = stage.app("first")
    began = time.monotonic()
    done = stage.deploy(app, {"web": RUN_WEB, "worker": "exec sleep 1000"}, web=1, worker=1)
    took = time.monotonic() - began

    assert (done.state, done.error) == (RolloutState.SUCCEEDED, "")
    assert [(line.target, line.outcome) for line in done.report] == [
        ("web", Outcome.STARTED),
        ("worker", Outcome.STARTED),
    ]
    assert stage.get(app) == (200, f"v1 {done.report[0].pid}")
    assert stage.version(app) == 1
    print(took)
