"""Startup checks on real processes: what is asked of them, by whom, and what a push is told."""

import os
import threading
from collections.abc import Iterable, Iterator
from itertools import count

import pytest

from stratum.model import (
    App,
    Check,
    CheckKind,
    Contents,
    Outcome,
    Rollout,
    RolloutState,
    Strategy,
    Target,
    TargetSettings,
)
from stratum.store import builds, environments, formation, phases, releases, rollouts
from tests.stage import RUN_WEB, SHARED, Stage, marked, staged
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

SLEEP = "exec sleep 1000"
WAIT = "sleep 1000 & wait"
PATH, COMMAND, LISTENING, UPTIME = CheckKind.PATH, CheckKind.COMMAND, CheckKind.LISTENING, CheckKind.UPTIME
NUMBERS = count(1)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(web_start_timeout_s=20.0, drain_s=0.1, stop_grace_s=1) as ready:
        yield ready


def queue(stage: Stage, app: App, commands: dict[str, str], checks: dict[str, list[Check]]) -> Rollout:
    """Record a build with its release, as a builder does, with one process of each target."""
    slug = stage.slug(app)
    contents = Contents(settings={name: TargetSettings(tuple(few)) for name, few in checks.items()})
    lines = tuple(Target(name, command) for name, command in commands.items())
    with stage.parts.database.write() as tx:
        build = builds.add_build(tx, app.id, "c" * 40, source="push", who="test")
        common = {"commit": "c" * 40, "targets": lines, "cause": "push", "who": "test"}
        made = releases.add_release(tx, app.id, slug=slug, contents=contents, **common)  # type: ignore[arg-type]
        formation.set_scales(tx, app.id, dict.fromkeys(commands, 1))
        return rollouts.add_rollout(
            tx, app.id, cause="push", who="test", release_id=made.id, build_id=build.id
        )


def deploy(stage: Stage, app: App, commands: dict[str, str], **checks: list[Check]) -> Rollout:
    return stage.apply(app, queue(stage, app, commands, checks))


def log_of(stage: Stage, rollout: Rollout) -> str:
    with stage.parts.database.read() as tx:
        build = builds.get_build(tx, rollout.build_id or 0)
    return stage.layout.build_log(build.app_id, build.number).read_text()


def check(kind: CheckKind, **fields: object) -> Check:
    return Check(kind, **{"attempts": 2, "wait_s": 0, **fields})  # type: ignore[arg-type]


def test_checks_that_are_passed_bring_a_process_up(stage: Stage, app: App) -> None:
    done = deploy(
        stage,
        app,
        {"web": RUN_WEB, "worker": SLEEP},
        web=[
            check(PATH, path="/health", content="v1 "),
            check(LISTENING),
            check(COMMAND, command=("sh", "-c", '[ "$STRATUM_TARGET" = web ] && [ "$PORT" ]')),
        ],
        worker=[check(UPTIME, uptime_s=1)],
    )

    assert (done.state, done.error) == (RolloutState.SUCCEEDED, "")
    seconds = {line.target: line.seconds for line in done.report}
    assert seconds["worker"] >= 1


def test_one_that_fails_names_process_check_attempts_and_last_lines(stage: Stage, app: App) -> None:
    done = deploy(
        stage,
        app,
        {"web": f"echo not ready; {RUN_WEB}"},
        web=[check(PATH, name="ready", path="/headers", content="nowhere", attempts=3), check(LISTENING)],
    )

    assert done.state is RolloutState.FAILED
    assert (
        'web.1 did not come up: its check "ready" (GET /headers) was not passed: attempts 1 to 3'
        in done.error
    )
    assert "it answered 200 without the text that is looked for" in done.error
    said = log_of(stage, done)
    assert "Its last line:\n       not ready\n" in said
    assert "raise initialDelay, attempts or wait of the check in app.json" in said
    assert [(line.outcome, line.output) for line in done.report if line.target == "web"] == [
        (Outcome.FAILED, ("not ready",))
    ]
    assert marked(stage, f"MyProdEnv.{app.name}.") == []


def test_one_that_only_warns_is_told_and_keeps_nothing_down(stage: Stage, app: App) -> None:
    done = deploy(stage, app, {"worker": SLEEP}, worker=[check(COMMAND, command=("false",), only_warns=True)])

    assert done.state is RolloutState.SUCCEEDED
    assert "warning: its check false was not passed: attempts 1 to 2" in log_of(stage, done)


def test_a_command_runs_as_the_app_in_the_environment_of_the_process(stage: Stage, app: App) -> None:
    tell = 'id -u; echo "$STRATUM_TARGET $STRATUM_INDEX $HOME"; exit 3'
    uid = stage.instance.fence.app_uid(app.id)
    expected = f"worker 1 {stage.layout.release(app.id, 1)}"

    done = deploy(
        stage, app, {"worker": SLEEP}, worker=[check(COMMAND, command=("sh", "-c", tell), attempts=1)]
    )
    assert "exit status 3, its last line" in done.error
    assert expected[:30] in done.error
    good = f'[ "$(id -u)" = {uid} ] && [ "$(pwd)" = "$HOME" ]'
    done = deploy(stage, app, {"worker": SLEEP}, worker=[check(COMMAND, command=("bash", "-c", good))])
    assert done.state is RolloutState.SUCCEEDED, done.error
    assert uid != os.getuid() or not stage.instance.fence.fenced


def test_a_command_that_does_not_end_is_ended_with_what_it_has_started(stage: Stage, app: App) -> None:
    done = deploy(
        stage,
        app,
        {"worker": SLEEP},
        worker=[
            check(COMMAND, command=("sh", "-c", "setsid sleep 999 & sleep 999"), timeout_s=1, attempts=1)
        ],
    )

    assert "it took longer than 1 s" in done.error
    assert marked(stage, f"MyProdEnv.{app.name}.") == []
    assert list(stage.layout.descriptions.glob(f"*.{app.name}.*")) == []


def test_another_apps_port_is_not_asked(stage: Stage, app: App) -> None:
    """A worker that names a port where somebody else listens has not come up by that."""
    other = stage.app(f"other{next(NUMBERS)}")
    port = next(line.port for line in deploy(stage, other, {"web": RUN_WEB}).report)

    done = deploy(stage, app, {"worker": SLEEP}, worker=[check(PATH, port=port), check(LISTENING, port=port)])

    assert done.state is RolloutState.FAILED
    assert f"nothing of it listens on port {port}" in done.error


def test_a_process_that_dies_meanwhile_has_failed_at_once(stage: Stage, app: App) -> None:
    done = deploy(stage, app, {"worker": "sleep 1; exit 4"}, worker=[check(UPTIME, uptime_s=600)])

    assert "worker.1 did not come up: exit status 4 after" in done.error


def test_canceling_its_build_ends_the_wait_for_checks(stage: Stage, app: App) -> None:
    queued = queue(stage, app, {"worker": SLEEP}, {"worker": [check(UPTIME, uptime_s=600)]})
    applying = threading.Thread(target=stage.apply, args=(app, queued))
    applying.start()
    wait_until(lambda: marked(stage, f"MyProdEnv.{app.name}."))
    with stage.parts.database.write() as tx:
        assert phases.call_off(tx, queued.build_id or 0, "canceled by me")

    applying.join(30)

    done = stage.rollout(queued)
    assert (done.state, done.error) == (RolloutState.FAILED, "worker.1 was ended: canceled by me.")
    assert marked(stage, f"MyProdEnv.{app.name}.") == []


def test_what_is_canceled_while_old_processes_stop_does_not_go_live(stage: Stage, app: App) -> None:
    slow = f"trap 'touch {SHARED}.told; while [ ! -e {SHARED}.go ]; do sleep 0.05; done; exit' TERM; {WAIT}"
    deploy(stage, app, {"web": RUN_WEB, "worker": slow})
    with stage.parts.database.write() as tx:
        formation.tell(tx, app.id, "worker", TargetSettings(stop_sequence="term,600,kill"))
    queued = queue(stage, app, {"web": RUN_WEB}, {"web": [check(LISTENING)]})
    applying = threading.Thread(target=stage.apply, args=(app, queued))
    applying.start()
    wait_until(stage.shared(app).with_suffix(".told").exists)
    with stage.parts.database.write() as tx:
        assert phases.call_off(tx, queued.build_id or 0, "canceled by me")
    stage.shared(app).with_suffix(".go").touch()

    applying.join(60)

    done = stage.rollout(queued)
    assert (done.state, done.error) == (RolloutState.FAILED, "web.1 was ended: canceled by me.")
    assert stage.version(app) == 1
    assert marked(stage, f"MyProdEnv.{app.name}.v1.worker.1")


def test_what_is_canceled_after_the_last_look_and_before_it_is_live_does_not_go_live(
    stage: Stage, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its requests are sent to it already: whoever cancels just then is told that it is called off."""
    deploy(stage, app, {"web": RUN_WEB})
    queued = queue(stage, app, {"web": RUN_WEB}, {"web": [check(LISTENING)]})
    routed: list[list[str]] = []

    def switch(_app: App, processes: Iterable[str], **_: object) -> None:
        routed.append([name.removeprefix(f"MyProdEnv.{app.name}.") for name in processes])
        if len(routed) == 1:
            with stage.parts.database.write() as tx:
                assert phases.call_off(tx, queued.build_id or 0, "canceled by me")

    monkeypatch.setattr(stage.parts.router, "route", switch)
    done = stage.apply(app, queued)

    assert (done.state, done.error) == (RolloutState.FAILED, "web.1 was ended: canceled by me.")
    assert (routed[0], routed[-1]) == (["v2.web.1"], ["v1.web.1"])
    assert stage.version(app) == 1
    assert stage.pids_of(app).keys() == {"v1.web.1"}


def test_destroying_the_app_ends_the_wait_for_its_checks(stage: Stage, app: App) -> None:
    queued = queue(stage, app, {"worker": SLEEP}, {"worker": [check(UPTIME, uptime_s=600)]})
    applying = threading.Thread(target=stage.apply, args=(app, queued))
    applying.start()
    wait_until(lambda: marked(stage, f"MyProdEnv.{app.name}."))
    with stage.parts.database.write() as tx:
        environments.mark_destroying(tx, app.id)

    applying.join(30)

    assert not applying.is_alive()
    assert "worker.1 was ended: the app is being destroyed." in stage.rollout(queued).error


def test_a_worker_that_overlaps_is_up_before_the_old_one_is_told_to_stop(stage: Stage, app: App) -> None:
    commands = {"worker": f"trap 'echo old >> {SHARED}.story; exit' TERM; {WAIT}"}
    deploy(stage, app, commands)
    with stage.parts.database.write() as tx:
        formation.tell(tx, app.id, "worker", TargetSettings(strategy=Strategy.OVERLAP))
    ready = ("sh", "-c", f"echo new >> {SHARED}.story")

    done = deploy(stage, app, commands, worker=[check(COMMAND, command=ready)])

    assert done.state is RolloutState.SUCCEEDED, done.error
    assert stage.shared(app).with_suffix(".story").read_text().split() == ["new", "old"]
