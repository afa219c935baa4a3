"""How old processes are stopped in rollouts, and what is told of it."""

from collections.abc import Iterator

import pytest

from stratum.model import App, Contents, Outcome, ReportLine, Rollout, Target, TargetSettings
from stratum.store import formation, releases, rollouts
from tests.stage import SHARED, Stage, staged
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

# Takes a signal, and some seconds, to end: more than the usual grace here.
BUSY = (
    f"trap 'sleep SECONDS; echo finished >> {SHARED}.story; exit' USR1; trap '' TERM; "
    "touch $HOME/up; sleep 1000 & wait"
)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(stop_grace_s=1) as ready:
        yield ready


def deploy(stage: Stage, app: App, stop_sequence: str = "", busy_s: int = 2) -> Rollout:
    """Release one busy worker, and wait until it is ready to be stopped."""
    contents = Contents(settings={"worker": TargetSettings(stop_sequence=stop_sequence)})
    slug = stage.slug(app)
    with stage.parts.database.write() as tx:
        made = releases.add_release(
            tx,
            app.id,
            slug=slug,
            commit="c" * 40,
            targets=(Target("worker", BUSY.replace("SECONDS", str(busy_s))),),
            cause="push",
            who="test",
            contents=contents,
        )
        formation.set_scales(tx, app.id, {"worker": 1})
        queued = rollouts.add_rollout(tx, app.id, cause="push", who="test", release_id=made.id)
    done = stage.apply(app, queued)
    wait_until((stage.layout.release(app.id, made.version) / "up").exists)
    return done


def finished(stage: Stage, app: App) -> list[str]:
    path = stage.shared(app).with_suffix(".story")
    return path.read_text().split() if path.exists() else []


def stopped(rollout: Rollout) -> ReportLine:
    (line,) = (line for line in rollout.report if line.outcome is Outcome.STOPPED)
    return line


def test_an_old_process_is_stopped_as_its_own_release_says(stage: Stage, app: App) -> None:
    deploy(stage, app, "usr1,30,kill")

    line = stopped(deploy(stage, app))

    assert finished(stage, app) == ["finished"]
    assert line.note == "exit status 0"
    assert line.seconds >= 2


def test_what_the_api_says_holds_for_what_runs_already(stage: Stage, app: App) -> None:
    deploy(stage, app)
    with stage.parts.database.write() as tx:
        formation.tell(tx, app.id, "worker", TargetSettings(stop_sequence="usr1,30,kill"))

    line = stopped(stage.apply(app, stage.scale(app, worker=0)))

    assert finished(stage, app) == ["finished"]
    assert line.note == "exit status 0"


def test_what_had_to_be_killed_is_told_with_how_long_it_took(stage: Stage, app: App) -> None:
    deploy(stage, app, "term,1,usr1,1,kill", busy_s=60)

    line = stopped(deploy(stage, app))

    assert finished(stage, app) == []
    assert line.note == f"killed after {line.seconds:.1f} s"
    assert line.seconds >= 2
