"""Apps that take turns: a row of changes of one holds up no other for longer than one of them takes."""

from collections.abc import Iterator

import pytest

from runner import jobs
from stratum.model import App, Rollout, RolloutState
from tests.fakes import FakeNudges
from tests.stage import Stage, staged

pytestmark = pytest.mark.integration

SLEEP = "exec sleep 1000"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged(router=False) as made:
        yield made


@pytest.fixture
def busy(stage: Stage) -> App:
    """An app that runs."""
    app = stage.app("busy")
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    return app


def states(stage: Stage, *queued: Rollout) -> list[RolloutState]:
    return [stage.rollout(one).state for one in queued]


def test_an_app_with_more_changes_queued_lets_another_have_one_first(
    stage: Stage, busy: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    nudges = FakeNudges()
    monkeypatch.setattr(jobs, "parts", lambda: stage.parts)
    monkeypatch.setattr(jobs, "Nudges", lambda _url: nudges)
    first, second = (stage.scale(busy, worker=number) for number in (2, 3))
    late = stage.app("late")
    _, only = stage.release(late, {"worker": SLEEP}, scales={"worker": 1})

    jobs.run_rollouts(busy.id)
    done, queued = RolloutState.SUCCEEDED, RolloutState.QUEUED
    assert states(stage, first, second, only) == [done, queued, queued]
    jobs.run_rollouts(late.id)
    for app_id in nudges.rollouts:
        jobs.run_rollouts(app_id)

    assert states(stage, first, second, only) == [done, done, done]
    assert nudges.rollouts == [busy.id]
    assert len(stage.pids_of(busy)) == 3
