"""New processes that come up beside the old a few at a time, as `max_surge` of their target says."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from runner import jobs
from runner.engines.engine import Stopped
from runner.engines.supervisord.engine import Supervisord
from runner.plan import known
from runner.recover import Recovery
from stratum.errors import RouterUnavailable
from stratum.faults import STEP_POINTS
from stratum.model import App, Outcome, RolloutState, TargetSettings
from stratum.states import State
from stratum.store import builds, formation, phases
from tests.fakes import FakeNudges
from tests.routed import visited
from tests.stage import RUN_WEB, SHARED, Stage, outcomes
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

SLEEP = "exec sleep 1000"
BROKEN_FROM_3 = f"[ $STRATUM_INDEX -lt 3 ] || exit 7; {RUN_WEB}"


@pytest.fixture
def routed(stage: Stage) -> Iterator[list[dict[str, int]]]:
    """Each time routes were changed: how many processes of each release had one, and how many lived."""
    route, seen = stage.parts.router.route, []

    def follow(app, processes, **options):
        route(app, processes, **options)
        versions = Counter(f"v{known(name).version}" for name in processes)
        alive = sum(f".{app.name}.v" in name and pid is not None for name, pid in stage.pids().items())
        seen.append({**versions, "alive": alive})

    stage.parts.router.route = follow  # type: ignore[method-assign]
    yield seen
    stage.parts.router.route = route  # type: ignore[method-assign]


def surge(stage: Stage, app: App, value: str, target: str = "web") -> None:
    with stage.parts.database.write() as tx:
        formation.tell(tx, app.id, target, TargetSettings(max_surge=value))


def webs(version: int, *indices: int) -> set[str]:
    return {f"v{version}.web.{index}" for index in indices}


def test_ten_are_replaced_two_by_two_and_no_request_is_lost(
    stage: Stage, app: App, routed: list[dict[str, int]]
) -> None:
    stage.deploy(app, {"web": RUN_WEB, "worker": SLEEP}, web=10, worker=1)
    surge(stage, app, "2")
    routed.clear()

    with visited(stage, app) as answers:
        done = stage.deploy(app, {"web": RUN_WEB, "worker": SLEEP})

    assert (done.state, done.error) == (RolloutState.SUCCEEDED, "")
    steps = [{"v2": new, "v1": 10 - new, "alive": 13} for new in (2, 4, 6, 8)]
    assert routed == [*steps, {"v2": 10, "alive": 13}]
    assert {status for status, _ in answers} == {200}
    assert {text[:2] for _, text in answers} == {"v1", "v2"}
    assert stage.pids_of(app).keys() == {*webs(2, *range(1, 11)), "v2.worker.1"}
    ends = {line.note for line in done.report if line.outcome is Outcome.STOPPED}
    assert ends == {"ended by SIGTERM"}
    assert Counter(outcomes(done).values()) == {Outcome.STARTED: 11, Outcome.STOPPED: 11}


def test_what_the_new_release_has_more_or_less_of_comes_and_goes_at_the_end(
    stage: Stage, app: App, routed: list[dict[str, int]]
) -> None:
    surge(stage, app, "50%")
    stage.deploy(app, {"web": RUN_WEB}, web=2)
    routed.clear()

    stage.deploy(app, {"web": RUN_WEB}, web=4)
    assert routed == [{"v2": 4, "alive": 6}]
    stage.deploy(app, {"web": RUN_WEB}, web=2)
    assert routed[1:] == [{"v3": 1, "v2": 3, "alive": 5}, {"v3": 2, "alive": 5}]
    assert stage.pids_of(app).keys() == webs(3, 1, 2)


def test_a_release_that_fails_halfway_goes_back_without_losing_a_request(
    stage: Stage, app: App, routed: list[dict[str, int]]
) -> None:
    first = stage.deploy(app, {"web": RUN_WEB, "worker": SLEEP}, web=4, worker=1)
    surge(stage, app, "1")
    routed.clear()

    with visited(stage, app) as answers:
        done = stage.deploy(app, {"web": BROKEN_FROM_3, "worker": SLEEP})

    assert done.state is RolloutState.FAILED
    assert {status for status, _ in answers} == {200}
    forth = [{"v2": 1, "v1": 3, "alive": 6}, {"v2": 2, "v1": 2, "alive": 6}]
    back = [{"v1": 3, "v2": 1, "alive": 6}, {"v1": 4, "alive": 6}, {"v1": 4, "alive": 5}]
    assert routed == [*forth, *back]
    assert outcomes(done) == {
        "v2.web.1": Outcome.STOPPED,
        "v2.web.2": Outcome.STOPPED,
        "v2.web.3": Outcome.FAILED,
        "v1.web.1": Outcome.RESTARTED,
        "v1.web.2": Outcome.RESTARTED,
        **dict.fromkeys(("v1.web.3", "v1.web.4", "v1.worker.1"), Outcome.KEPT),
    }
    before = {line.name.split(".", 2)[2]: line.pid for line in first.report}
    now = stage.pids_of(app)
    assert now.keys() == {*webs(1, 1, 2, 3, 4), "v1.worker.1"}
    assert {name for name in now if now[name] == before[name]} == {*webs(1, 3, 4), "v1.worker.1"}
    assert stage.version(app) == 1


def test_a_release_that_is_canceled_halfway_goes_back_as_well(stage: Stage, app: App) -> None:
    stage.deploy(app, {"web": RUN_WEB}, web=3)
    surge(stage, app, "1")
    with stage.parts.database.write() as tx:
        build = builds.add_build(tx, app.id, "c" * 40, source="push", who="test")
    stuck = {"web": f"[ $STRATUM_INDEX = 1 ] || sleep 600; {RUN_WEB}"}
    _, queued = stage.release(app, stuck, build_id=build.id)
    applying = threading.Thread(target=stage.apply, args=(app, queued))

    with visited(stage, app) as answers:
        applying.start()
        wait_until(lambda: "v2.web.2" in stage.pids_of(app), 60)
        with stage.parts.database.write() as tx:
            assert phases.call_off(tx, build.id, "canceled by me")
        applying.join(60)

    done = stage.rollout(queued)
    assert (done.state, done.error) == (RolloutState.FAILED, "web.2 was ended: canceled by me.")
    assert stage.pids_of(app).keys() == webs(1, 1, 2, 3)
    assert {status for status, _ in answers} == {200}


def alone(begin: str = "") -> str:
    """A web process that fails where another has its place; `begin` comes first."""
    place = f'"{SHARED}.$STRATUM_INDEX"'
    taken = f'{{ touch "{SHARED}.doubled"; exit 9; }}'
    ends = f"trap 'kill $!; wait; rmdir {place}; exit' TERM"
    return f"{begin} mkdir {place} || {taken}; : {{{{UNIQUE_INT}}}}; {ends}; python3 -S web.py & wait"


def test_two_with_one_integer_never_run_at_once_where_the_router_fails(
    stage: Stage, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.deploy(app, {"web": alone()}, web=1)
    route = stage.parts.router.route

    def away(app: App, processes: list[str], **options: object) -> None:
        route(app, processes, **options)  # type: ignore[arg-type]
        if any(known(name).version == 2 for name in processes):
            raise RouterUnavailable("it is away")

    monkeypatch.setattr(stage.parts.router, "route", away)

    done = stage.deploy(app, {"web": alone()})

    assert done.state is RolloutState.FAILED
    assert not stage.shared(app).with_suffix(".doubled").exists()
    wait_until(lambda: stage.get(app)[1][:2] == "v1", 60)
    assert stage.pids_of(app).keys() == webs(1, 1)


def test_web_with_integers_is_replaced_one_by_one_and_the_others_serve_meanwhile(
    stage: Stage, app: App, routed: list[dict[str, int]]
) -> None:
    stage.deploy(app, {"web": alone(), "worker": SLEEP}, web=3, worker=1)
    routed.clear()

    with visited(stage, app) as answers:
        done = stage.deploy(app, {"web": alone(), "worker": SLEEP})

    assert (done.state, done.error) == (RolloutState.SUCCEEDED, "")
    steps = [{"v1": 2}, {"v2": 1, "v1": 1}, {"v2": 2}, {"v2": 3}]
    assert routed == [{**step, "alive": 4} for step in steps]
    assert {status for status, _ in answers} == {200}
    assert not stage.shared(app).with_suffix(".doubled").exists()
    assert stage.pids_of(app).keys() == {*webs(2, 1, 2, 3), "v2.worker.1"}
    assert Counter(outcomes(done).values()) == {Outcome.STARTED: 4, Outcome.STOPPED: 4}


def test_web_with_integers_that_fails_halfway_goes_back_and_no_two_ever_have_one_place(
    stage: Stage, app: App
) -> None:
    stage.deploy(app, {"web": alone()}, web=3)
    with visited(stage, app) as answers:
        done = stage.deploy(app, {"web": alone("[ $STRATUM_INDEX -lt 2 ] || exit 7;")})

    assert done.state is RolloutState.FAILED
    assert {status for status, _ in answers} == {200}
    assert not stage.shared(app).with_suffix(".doubled").exists()
    assert stage.pids_of(app).keys() == webs(1, 1, 2, 3)


def test_others_that_overlap_are_replaced_by_their_own_surge(stage: Stage, app: App) -> None:
    stage.deploy(app, {"worker": SLEEP}, worker=3)
    with stage.parts.database.write() as tx:
        from stratum.model import Strategy

        formation.tell(tx, app.id, "worker", TargetSettings(strategy=Strategy.OVERLAP, max_surge="1"))

    done = stage.deploy(app, {"worker": SLEEP})

    names = [line.name.split(".", 2)[2] for line in done.report]
    assert names == [
        *("v2.worker.1", "v1.worker.1", "v2.worker.2", "v1.worker.2"),
        *("v2.worker.3", "v1.worker.3"),
    ]


@pytest.mark.parametrize("point", ["rollout.started", *STEP_POINTS, "rollout.probed"])
def test_a_rollout_killed_between_two_rounds_goes_on_from_there(
    stage: Stage, app: App, routed: list[dict[str, int]], point: str, tmp_path: Path
) -> None:
    stage.deploy(app, {"web": RUN_WEB}, web=3)
    surge(stage, app, "1")
    release, rollout = stage.release(app, {"web": RUN_WEB})
    (tmp_path / point).touch()
    applier = stage.applier(app, tmp_path)
    wait_until((tmp_path / f"{point}.reached.pid").exists, 60)
    applier.kill()
    applier.wait()
    at_kill = {name: pid for name, pid in stage.pids_of(app).items() if name.startswith("v2.")}
    routed.clear()

    with visited(stage, app) as answers:
        nudges = FakeNudges()
        Recovery(stage.parts, nudges).run()
        for app_id in nudges.rollouts:
            jobs.apply_queued(stage.parts, app_id)

    done = stage.rollout(rollout)
    assert (done.state, done.error, done.attempt) == (RolloutState.SUCCEEDED, "", 2)
    assert stage.version(app) == release.version
    assert stage.pids_of(app).keys() == webs(2, 1, 2, 3)
    assert at_kill.items() <= stage.pids_of(app).items()
    assert Counter(outcomes(done).values()) == {Outcome.STARTED: 3, Outcome.STOPPED: 3}
    assert max(one["alive"] for one in routed) == 4
    assert {status for status, _ in answers} == {200}


def test_a_way_back_that_was_cut_off_is_gone_to_its_end(stage: Stage, app: App, tmp_path: Path) -> None:
    stage.deploy(app, {"web": RUN_WEB}, web=4)
    surge(stage, app, "1")
    _, rollout = stage.release(app, {"web": BROKEN_FROM_3})
    applier = stage.applier(app)
    wait_until(lambda: "v2.web.2" in stage.pids_of(app) and "v1.web.1" not in stage.pids_of(app), 60)
    wait_until(lambda: "v1.web.1" in stage.pids_of(app), 60)  # on the way back
    applier.kill()
    applier.wait()

    with visited(stage, app) as answers:
        nudges = FakeNudges()
        Recovery(stage.parts, nudges).run()
        for app_id in nudges.rollouts:
            jobs.apply_queued(stage.parts, app_id)

    assert stage.rollout(rollout).state is RolloutState.FAILED
    assert stage.pids_of(app).keys() == webs(1, 1, 2, 3, 4)
    assert {status for status, _ in answers} == {200}


def test_an_old_process_that_is_ending_is_none_that_serves_again(
    stage: Stage, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An applier was killed while it ended an old one; the next, which goes back, brings that up again."""
    slow = f"trap 'while [ ! -e {SHARED}.go ]; do sleep 0.1; done; exit' TERM; python3 -S web.py & wait"
    stage.deploy(app, {"web": slow}, web=2)
    with stage.parts.database.write() as tx:
        formation.tell(tx, app.id, "web", TargetSettings(max_surge="1", stop_sequence="term,600,kill"))
        build = builds.add_build(tx, app.id, "c" * 40, source="push", who="test")
    _, queued = stage.release(app, {"web": RUN_WEB}, build_id=build.id)
    applier = stage.applier(app)
    wait_until(lambda: state(stage, app, "v1.web.1") is State.STOPPING, 60)
    applier.kill()
    applier.wait()
    with stage.parts.database.write() as tx:
        assert phases.call_off(tx, build.id, "canceled by me")
    stop, stops = Supervisord.stop, []

    def follow(self: Supervisord, of: App, names: Sequence[str], *steps: Any) -> list[Stopped]:
        stops.append({name.split(".", 2)[2] for name in names})
        stage.shared(app).with_suffix(".go").touch()
        return stop(self, of, names, *steps)

    monkeypatch.setattr(Supervisord, "stop", follow)
    with visited(stage, app) as answers:
        nudges = FakeNudges()
        Recovery(stage.parts, nudges).run()
        for app_id in nudges.rollouts:
            jobs.apply_queued(stage.parts, app_id)

    assert stage.rollout(queued).error == "web.1 was ended: canceled by me."
    assert [one for one in stops if one] == [{"v1.web.1"}, {"v2.web.1"}]
    assert outcomes(stage.rollout(queued))["v1.web.1"] is Outcome.RESTARTED
    assert {status for status, _ in answers} == {200}
    assert stage.pids_of(app).keys() == webs(1, 1, 2)


def state(stage: Stage, app: App, name: str) -> State | None:
    found = stage.statuses().get(f"MyProdEnv.{app.name}.{name}")
    return found.state if found else None
