"""The release phase on real parts: once, before anything of the release, whatever is killed meanwhile."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner import jobs
from runner.recover import Recovery
from stratum import secrets
from stratum.buildlog import last_lines
from stratum.errors import NotAProcess
from stratum.faults import PHASE_POINTS
from stratum.model import App, Outcome, Phase, Release, ReleaseState, Rollout, RolloutState
from stratum.scaling import Limits
from stratum.store import builds, environments, formation, phases, releases, rollouts
from stratum.verbs import configure
from stratum.verbs.release import rollback
from stratum.verbs.scale import launch, scale
from tests.fakes import FakeNudges
from tests.stage import RUN_WEB, SHARED, Stage, marked, staged
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

TELL = f'echo "$STRATUM_TARGET $STRATUM_RELEASE" >> "{SHARED}.story"; '
SLEEP = "exec sleep 1000"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(router=True, drain_s=0.1, stop_grace_s=1) as ready:
        yield ready


def story(stage: Stage, app: App) -> list[str]:
    """What has run, in order."""
    path = stage.shared(app).with_suffix(".story")
    return path.read_text().splitlines() if path.exists() else []


def targets(release: str, **others: str) -> dict[str, str]:
    return {"release": TELL + release, "worker": TELL + SLEEP, **others}


def found(stage: Stage, app: App, version: int) -> Release:
    with stage.parts.database.read() as tx:
        release = releases.find_release(tx, app.id, version)
    assert release is not None
    return release


def log_of(stage: Stage, rollout: Rollout) -> list[str]:
    with stage.parts.database.read() as tx:
        assert rollout.build_id is not None
        build = builds.get_build(tx, rollout.build_id)
    return last_lines(stage.layout.build_log(build.app_id, build.number), 1000)


def pushed(stage: Stage, app: App, targets: dict[str, str], **scales: int) -> Rollout:
    """Queue the rollout of a release as its build does, so that it has a log."""
    with stage.parts.database.write() as tx:
        build = builds.add_build(tx, app.id, "c" * 40, source="push", who="me")
        builds.claim_next(tx, app.id, "nobody")
    release, rollout = stage.release(app, targets, scales=scales, build_id=build.id)
    with stage.parts.database.write() as tx:
        held = builds.get_build(tx, build.id)
        from stratum.model import BuildState

        assert builds.finish(tx, held, BuildState.SUCCEEDED, release_id=release.id)
    return rollout


def recover(stage: Stage) -> None:
    nudges = FakeNudges()
    Recovery(stage.parts, nudges).run()
    for app_id in nudges.rollouts:
        jobs.apply_queued(stage.parts, app_id)


def configured(stage: Stage, app: App, **variables: str) -> Rollout:
    """Set variables, as the API does."""
    sealed = secrets.seal(stage.layout.config_key, variables)
    with stage.parts.database.write() as tx:
        change = configure.record(tx, app, sealed, "config: set X", who="me")
        assert change.rollout is not None
        rollout = rollouts.find_rollout(tx, app.id, change.rollout)
    assert rollout is not None
    return rollout


# -- order, and what it gets


def test_it_runs_before_any_process_of_the_release_and_after_none_has_stopped(stage: Stage, app: App) -> None:
    done = stage.deploy(app, targets("true", web=TELL + RUN_WEB), web=1, worker=1)
    assert done.state is RolloutState.SUCCEEDED
    wait_until(lambda: len(story(stage, app)) == 3)
    before = stage.pids()
    alive = f'kill -0 {before[f"MyProdEnv.{app.name}.v1.worker.1"]} && echo alive >> "{SHARED}.story"'

    done = stage.deploy(app, targets(alive, web=TELL + RUN_WEB))

    assert done.state is RolloutState.SUCCEEDED
    wait_until(lambda: len(story(stage, app)) == 7)
    first, _, _, *second = story(stage, app)
    assert (first, second[:2], sorted(second[2:])) == (
        "release v1",
        ["release v2", "alive"],
        ["web v2", "worker v2"],
    )
    ran = next(line for line in done.report if line.target == "release")
    assert (ran.outcome, ran.name) == (Outcome.RAN, f"MyProdEnv.{app.name}.v2.release.1")
    assert found(stage, app, 2).phase is Phase.SUCCEEDED
    assert f"MyProdEnv.{app.name}.v2.release.1" not in stage.pids()


def test_it_has_what_a_process_has_but_no_port(stage: Stage, app: App) -> None:
    stage.slug(app, "b" * 64, __profile__d___a__sh='export TOOLS="$HOME/tools"')
    tell = f'echo "$HOME|$PWD|$TMPDIR|$TOOLS|$STRATUM_TARGET.$STRATUM_INDEX|${{PORT-none}}" > "{SHARED}.got"'
    _, rollout = stage.release(app, {"release": tell, "web": RUN_WEB}, slug="b" * 64, scales={"web": 1})

    assert stage.apply(app, rollout).state is RolloutState.SUCCEEDED

    here = stage.layout.release(app.id, 1)
    got = stage.shared(app).with_suffix(".got").read_text()
    assert got == f"{here}|{here}|{here}.tmp|{here}/tools|release.1|none\n"


def test_its_output_is_passed_on_as_it_comes_without_secrets(stage: Stage, app: App, tmp_path: Path) -> None:
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    stage.apply(app, configured(stage, app, PASSWORD="correct-horse"))
    wait = f'while [ ! -e "{SHARED}.go" ]; do sleep 0.01; done'
    rollout = pushed(stage, app, targets(f'echo "one $PASSWORD"; {wait}; printf "two\\nthree"'))
    applier = stage.applier(app)
    try:
        wait_until(lambda: "       one [PASSWORD]" in log_of(stage, rollout))
        assert stage.rollout(rollout).state is RolloutState.RUNNING
        stage.shared(app).with_suffix(".go").touch()
        assert applier.wait(60) == 0
    finally:
        applier.kill()
        applier.wait()
    said = log_of(stage, rollout)
    begin = next(n for n, line in enumerate(said) if line.startswith("-----> Release phase: echo "))
    assert said[begin + 1 : begin + 4] == ["       one [PASSWORD]", "       two", "       three"]
    assert said[begin + 4].startswith("-----> Release phase succeeded after ")


def test_much_output_is_passed_on_whole(stage: Stage, app: App) -> None:
    rollout = pushed(stage, app, {"release": "seq -f 'line %.0f of many, as long as lines are' 300000"})

    assert stage.apply(app, rollout).state is RolloutState.SUCCEEDED

    with stage.parts.database.read() as tx:
        assert rollout.build_id is not None
        number = builds.get_build(tx, rollout.build_id).number
    said = stage.layout.build_log(app.id, number).read_text().splitlines()
    lines = [line.split()[1] for line in said if line.startswith("       line ")]
    assert lines == [str(n) for n in range(1, len(lines) + 1)]
    whole = sum(len(line) + 1 for line in said)
    assert len(lines) == 300000 or (whole > 16 << 20 and any("16 MiB of output" in line for line in said))


# -- failure


def test_a_failure_leaves_release_scale_and_configuration_as_they_were(stage: Stage, app: App) -> None:
    stage.deploy(app, targets("true"), worker=1)
    stage.apply(app, configured(stage, app, GREETING="hello"))
    pid = stage.pids()[f"MyProdEnv.{app.name}.v2.worker.1"]
    failing = pushed(stage, app, targets("echo broken; setsid sleep 1000 & sleep 0.2; exit 3"))

    done = stage.apply(app, failing)

    assert done.state is RolloutState.FAILED
    assert done.error.startswith("The release phase failed: exit status 3 after ")
    assert found(stage, app, 3).state is ReleaseState.FAILED
    assert found(stage, app, 3).phase is Phase.FAILED
    assert stage.version(app) == 2
    assert stage.pids()[f"MyProdEnv.{app.name}.v2.worker.1"] == pid
    assert not any(f"{app.name}.v3." in name for name in stage.pids())
    assert marked(stage, f"MyProdEnv.{app.name}.v3") == []
    assert "worker v3" not in story(stage, app)
    said = log_of(stage, failing)
    assert said[-5].startswith(" !     The release phase failed: exit status 3 after ")
    assert said[-4:] == [
        " !     Its last line:",
        "       broken",
        " !     Nothing of v3 was started. Mend what the Procfile's `release` runs, and try again.",
        " !     v2 keeps running.",
    ]


def test_a_configuration_whose_phase_fails_is_out_of_force_again(stage: Stage, app: App) -> None:
    stage.deploy(app, targets('[ "$MODE" != bad ]'), worker=1)
    stage.apply(app, configured(stage, app, MODE="good"))
    assert stage.version(app) == 2

    assert stage.apply(app, configured(stage, app, MODE="bad")).state is RolloutState.FAILED

    assert stage.version(app) == 2
    with stage.parts.database.read() as tx:
        assert releases.config_version(tx, app.id) == found(stage, app, 2).config_version


def test_one_that_takes_too_long_is_ended_with_all_that_it_has_started() -> None:
    with staged(router=True, stop_grace_s=1, release_timeout_s=1) as short:
        slow = short.app("slow")
        short.deploy(slow, {"worker": SLEEP}, worker=1)

        done = short.deploy(slow, {"release": "setsid -f sleep 1000; trap '' TERM; sleep 1000; sleep 1000"})

        assert done.state is RolloutState.FAILED
        assert done.error.startswith("The release phase was ended: it took longer than 1 s.")
        assert marked(short, "MyProdEnv.slow.v2") == []
        assert short.version(slow) == 1
        assert short.pids().keys() == {"MyProdEnv.slow.v1.worker.1"}


def call_off(stage: Stage, rollout: Rollout) -> bool:
    assert rollout.build_id is not None
    with stage.parts.database.write() as tx:
        return phases.call_off(tx, rollout.build_id, "canceled by me")


def test_one_that_is_called_off_ends_with_all_that_it_has_started(stage: Stage, app: App) -> None:
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    before = stage.pids()[f"MyProdEnv.{app.name}.v1.worker.1"]
    rollout = pushed(stage, app, targets(f"setsid -f sleep 1000; {SLEEP}"))
    applier = stage.applier(app)
    wait_until(lambda: f"MyProdEnv.{app.name}.v2.release.1" in stage.pids())

    assert call_off(stage, rollout)

    assert applier.wait(60) == 0
    done = stage.rollout(rollout)
    assert done.state is RolloutState.FAILED
    assert done.error.startswith("The release phase was ended: canceled by me.")
    assert found(stage, app, 2).phase is Phase.FAILED
    assert marked(stage, f"MyProdEnv.{app.name}.v2") == []
    assert stage.pids()[f"MyProdEnv.{app.name}.v1.worker.1"] == before
    assert not call_off(stage, rollout)


def test_one_that_is_called_off_before_it_begins_does_not(stage: Stage, app: App) -> None:
    rollout = pushed(stage, app, targets("true"), worker=1)
    assert call_off(stage, rollout)

    done = stage.apply(app, rollout)

    assert (done.state, story(stage, app)) == (RolloutState.FAILED, [])
    assert done.error.startswith("The release phase was ended: canceled by me.")


def test_one_that_has_succeeded_is_not_called_off(stage: Stage, app: App, tmp_path: Path) -> None:
    rollout = pushed(stage, app, targets("true"), worker=1)
    (tmp_path / "phase.succeeded").touch()
    applier = stage.applier(app, tmp_path)
    wait_until((tmp_path / "phase.succeeded.reached.pid").exists, 60)
    assert not call_off(stage, rollout)
    (tmp_path / "phase.succeeded.go").touch()
    assert applier.wait(30) == 0
    assert stage.rollout(rollout).state is RolloutState.SUCCEEDED


def test_an_app_that_is_being_destroyed_waits_for_no_phase(stage: Stage, app: App) -> None:
    stage.release(app, targets(SLEEP))
    applier = stage.applier(app)
    wait_until(lambda: f"MyProdEnv.{app.name}.v1.release.1" in stage.pids())
    with stage.parts.database.write() as tx:
        environments.mark_destroying(tx, app.id)
        rollouts.add_rollout(tx, app.id, cause="destroy", who="me")
    assert applier.wait(60) == 0
    with stage.parts.database.read() as tx:
        assert environments.get_app(tx, app.id) is None
    assert marked(stage, f"MyProdEnv.{app.name}.") == []


# -- when it runs, and when not


def test_it_runs_for_every_new_release_and_for_nothing_else(stage: Stage, app: App) -> None:
    stage.deploy(app, targets("true"), worker=1)
    stage.deploy(app, targets("true"))
    stage.apply(app, configured(stage, app, A="1"))
    with stage.parts.database.write() as tx:
        change = rollback(tx, stage.found(app), 1, who="me")
    jobs.apply_queued(stage.parts, app.id)
    assert change.release == 4
    phases = [line for line in story(stage, app) if line.startswith("release")]
    assert phases == ["release v1", "release v2", "release v3", "release v4"]

    stage.apply(app, stage.scale(app, worker=3))
    stage.apply(app, stage.scale(app, worker=0))
    stage.apply(app, stage.scale(app, worker=1))
    stage.ctl("stop", f"MyProdEnv.{app.name}.v4.worker.1")
    from runner.reconciler import Reconciler

    Reconciler(stage.parts, Recovery(stage.parts, FakeNudges())).once()
    assert stage.pids()[f"MyProdEnv.{app.name}.v4.worker.1"]

    assert [line for line in story(stage, app) if line.startswith("release")] == phases


def test_it_is_never_a_process(stage: Stage, app: App) -> None:
    with stage.parts.database.write() as tx:
        formation.set_scales(tx, app.id, {"release": 2})  # as an older version may have left it
    stage.deploy(app, targets("true"), worker=1)

    assert list(stage.pids())[-1] == f"MyProdEnv.{app.name}.v1.worker.1"
    assert not any(f"{app.name}.v1.release." in name for name in stage.pids())
    with stage.parts.database.write() as tx:
        with pytest.raises(NotAProcess) as refused:
            scale(tx, stage.found(app), {"release": 1}, who="me", limits=Limits(9, 9))
        with pytest.raises(NotAProcess):
            launch(tx, stage.found(app), "release", who="me", limits=Limits(9, 9))
    assert str(refused.value).startswith("release is no process: its command runs once with each release")


# -- kills


@pytest.mark.parametrize(
    ("point", "ends"), [*((point, "true") for point in PHASE_POINTS), ("phase.started", "exit 4")]
)
def test_it_runs_once_though_its_applier_is_killed(
    stage: Stage, app: App, point: str, ends: str, tmp_path: Path
) -> None:
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    rollout = pushed(stage, app, targets(f"echo said; sleep 0.3; {ends}"))
    (tmp_path / point).touch()
    applier = stage.applier(app, tmp_path)
    wait_until((tmp_path / f"{point}.reached.pid").exists, 60)
    applier.kill()
    applier.wait()

    recover(stage)

    done = stage.rollout(rollout)
    good = ends == "true"
    assert (done.state is RolloutState.SUCCEEDED) == good, done.error
    assert [line for line in story(stage, app) if line.startswith("release")] == ["release v2"]
    assert stage.version(app) == (2 if good else 1)
    assert found(stage, app, 2).phase is (Phase.SUCCEEDED if good else Phase.FAILED)
    assert "       said" in log_of(stage, rollout)
    assert not any(".release." in name for name in stage.pids())


def test_it_goes_on_while_no_applier_is_there(stage: Stage, app: App, tmp_path: Path) -> None:
    wait = f'while [ ! -e "{SHARED}.go" ]; do sleep 0.01; done; touch "{SHARED}.done"'
    rollout = pushed(stage, app, targets(wait), worker=1)
    (tmp_path / "phase.started").touch()
    applier = stage.applier(app, tmp_path)
    wait_until((tmp_path / "phase.started.reached.pid").exists, 60)
    applier.kill()
    applier.wait()
    from runner.reconciler import Reconciler

    Reconciler(stage.parts, Recovery(stage.parts, FakeNudges())).once()  # which ends strays
    stage.shared(app).with_suffix(".go").touch()
    wait_until(stage.shared(app).with_suffix(".done").exists)
    time.sleep(0.05)

    recover(stage)
    jobs.apply_queued(stage.parts, app.id)

    assert stage.rollout(rollout).state is RolloutState.SUCCEEDED
    wait_until(lambda: story(stage, app) == ["release v1", "worker v1"])


def test_what_is_cut_off_with_the_whole_server_has_failed(tmp_path: Path) -> None:
    """A migration half done is not begun again by itself."""
    with staged(router=True, stop_grace_s=1) as stage:
        app = stage.app("cut")
        stage.deploy(app, {"worker": SLEEP}, worker=1)
        _, rollout = stage.release(app, targets(SLEEP))
        (tmp_path / "phase.started").touch()
        applier = stage.applier(app, tmp_path)
        wait_until((tmp_path / "phase.started.reached.pid").exists, 60)
        wait_until(lambda: story(stage, app) == ["release v2"])
        applier.kill()
        applier.wait()
        stage.kill()
        stage.layout.supervisord_socket.unlink(missing_ok=True)
        stage.start(router=True)

        recover(stage)

        done = stage.rollout(rollout)
        assert done.state is RolloutState.FAILED
        assert done.error.startswith("The release phase was cut off")
        assert story(stage, app) == ["release v2"]
        assert stage.version(app) == 1
        assert stage.pids()["MyProdEnv.cut.v1.worker.1"]
        assert marked(stage, "MyProdEnv.cut.v2") == []
