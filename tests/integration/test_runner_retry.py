"""Rollouts that break off for reasons that are not the app's: tried again, given up in the end."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from runner import jobs
from runner.apply import lease as leases
from runner.apply.lease import LeaseLost
from runner.apply.parts import Parts
from runner.engines.engine import Started, Steps
from runner.engines.supervisord.engine import Supervisord
from runner.engines.supervisord.rpc import Sections, Wanted
from stratum.errors import SupervisorUnavailable
from stratum.model import App, Outcome, ReleaseState, Rollout, RolloutState
from stratum.ownership import exclusive
from stratum.store import builds, formation, releases, rollouts
from tests.stage import RUN_WEB, Stage, staged
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

SLEEP = "exec sleep 1000"


class Refusing(Sections):
    """A supervisord that starts nothing."""

    def add(self, wanted: object) -> list[Started]:
        message = "supervisord is tired."
        raise SupervisorUnavailable(message)


class Unable(Sections):
    """A supervisord that cannot fork."""

    def add(self, wanted: object) -> list[Started]:
        assert isinstance(wanted, list)
        return [Started(name(one), None, "too many processes") for one in wanted]


def name(one: Wanted) -> str:
    return f"{one.environment}.{one.app}.v{one.version}.{one.target}.{one.index}"


def under(stage: Stage, kind: type[Sections]) -> Parts:
    """The parts of a stage whose supervisord is of some kind."""
    assert isinstance(stage.parts.engine, Supervisord)
    engine = replace(stage.parts.engine, sections=kind(stage.layout.supervisord_socket))
    return replace(stage.parts, engine=engine)


def scale_of(stage: Stage, app: App) -> int:
    with stage.parts.database.read() as tx:
        return formation.get_formation(tx, app.id).scale("worker")


def workers(stage: Stage, app: App) -> dict[str, int | None]:
    return {name: pid for name, pid in stage.pids().items() if f".{app.name}." in name}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(router=True, port_first=21990, port_last=21991) as ready:
        yield ready


def test_a_rollout_is_tried_five_times(stage: Stage) -> None:
    app = stage.app("tired")
    with stage.parts.database.write() as tx:
        build = builds.add_build(tx, app.id, "c" * 40, source="push", who="test")
    release, queued = stage.release(app, {"worker": SLEEP}, scales={"worker": 1}, build_id=build.id)
    broken = under(stage, Refusing)

    for attempt in range(1, rollouts.MAX_ATTEMPTS + 1):
        with pytest.raises(SupervisorUnavailable):
            jobs.apply_queued(broken, app.id)
        now = stage.rollout(queued)
        assert now.attempt == attempt
        assert (now.state is RolloutState.QUEUED) == (attempt < rollouts.MAX_ATTEMPTS)

    done = stage.rollout(queued)
    assert (done.state, done.error) == (RolloutState.FAILED, "supervisord is tired.")
    with stage.parts.database.read() as tx:
        assert releases.get_release(tx, release.id).state is ReleaseState.FAILED
    told = stage.layout.build_log(app.id, build.number).read_text()
    assert told == "-----> Released v1\n       Given up after 5 attempts: supervisord is tired.\n"


def test_a_scale_that_is_given_up_is_put_back(stage: Stage) -> None:
    app = stage.app("scaled")
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    queued = stage.scale(app, worker=2)
    broken = under(stage, Refusing)
    for _ in range(rollouts.MAX_ATTEMPTS):
        with pytest.raises(SupervisorUnavailable):
            jobs.apply_queued(broken, app.id)
    assert stage.rollout(queued).state is RolloutState.FAILED
    assert scale_of(stage, app) == 1


def test_a_scale_that_was_live_is_never_put_back(stage: Stage) -> None:
    """Its user was told; only the end of what it replaced breaks off."""
    app = stage.app("told")
    stage.deploy(app, {"web": RUN_WEB, "worker": SLEEP}, web=1, worker=1)
    queued = stage.scale(app, web=0, worker=2)

    class Unstoppable(Sections):
        """A supervisord that stops no web process."""

        def stop(self, names: Sequence[str], steps: Steps | None = None) -> None:
            message = "supervisord is tired."
            raise SupervisorUnavailable(message)

    broken = under(stage, Unstoppable)
    for _ in range(rollouts.MAX_ATTEMPTS):
        with pytest.raises(SupervisorUnavailable):
            jobs.apply_queued(broken, app.id)

    done = stage.rollout(queued)
    assert (done.state, done.error) == (RolloutState.SUCCEEDED, "supervisord is tired.")
    assert [line.outcome for line in done.report] == [Outcome.KEPT, Outcome.STARTED]
    assert scale_of(stage, app) == 2
    assert stage.apply(app, stage.scale(app, worker=1)).state is RolloutState.SUCCEEDED


def test_a_scale_wished_while_another_is_taken_back_is_made_true(stage: Stage) -> None:
    app = stage.app("meanwhile")
    stage.deploy(app, {"worker": f"[ $STRATUM_INDEX = 3 ] && exit 4; {SLEEP}"}, worker=1)
    failing = stage.scale(app, worker=3)
    later: list[Rollout] = []

    class Busy(Sections):
        """Wishes another scale while processes are being stopped."""

        def stop(self, names: Sequence[str], steps: Steps | None = None) -> None:
            if not later:
                later.append(stage.scale(app, worker=2))
            super().stop(names, steps)

    jobs.apply_queued(under(stage.patient(5.0), Busy), app.id)

    assert stage.rollout(failing).state is RolloutState.FAILED
    done = stage.rollout(later[0])
    assert (done.state, done.formation_before) == (RolloutState.SUCCEEDED, {"worker": 1})
    assert scale_of(stage, app) == 2
    assert len(workers(stage, app)) == 2


def test_a_chain_of_failing_scales_ends_at_what_worked(stage: Stage) -> None:
    app = stage.app("chain")
    stage.deploy(app, {"worker": f"[ $STRATUM_INDEX -ge 3 ] && exit 1; {SLEEP}"}, worker=1)
    before = workers(stage, app)

    chain = [stage.scale(app, worker=3), stage.scale(app, worker=4)]
    jobs.apply_queued(stage.patient().parts, app.id)

    assert [stage.rollout(one).state for one in chain] == [RolloutState.FAILED] * 2
    assert scale_of(stage, app) == 1
    assert workers(stage, app) == before


def test_a_scale_whose_processes_an_earlier_one_started_probes_them(stage: Stage) -> None:
    """And what is not of its making it leaves alone, and says how that is."""
    app = stage.app("unproved")
    stage.deploy(app, {"a": "mkdir began && sleep 4; sleep 0.6; exit 3", "worker": SLEEP}, a=1, worker=1)
    with stage.parts.database.write() as tx:
        formation.set_scales(tx, app.id, {"worker": 2})
        queued = rollouts.add_rollout(tx, app.id, cause="scale", who="test", formation_before={"worker": 1})
    jobs.apply_queued(stage.parts, app.id)
    done = {line.name.split(".", 3)[3]: line for line in stage.rollout(queued).report}
    assert stage.rollout(queued).state is RolloutState.SUCCEEDED
    assert done["worker.2"].outcome is Outcome.STARTED
    assert done["a.1"].outcome is Outcome.KEPT

    name = f"MyProdEnv.{app.name}.v1.a.1"
    wait_until(lambda: stage.statuses()[name].state == "BACKOFF")
    again = stage.apply(app, stage.scale(app, worker=1))
    assert again.state is RolloutState.SUCCEEDED
    (kept,) = (line for line in again.report if line.name == name)
    assert (kept.outcome, kept.note) == (Outcome.KEPT, "it does not stay up: exit status 3")


def test_a_process_that_cannot_be_started_fails_the_rollout(stage: Stage) -> None:
    app = stage.app("unable")
    _, queued = stage.release(app, {"worker": SLEEP}, scales={"worker": 1})
    jobs.apply_queued(under(stage, Unable), app.id)
    done = stage.rollout(queued)
    assert (done.state, done.error) == (
        RolloutState.FAILED,
        "worker.1 did not start: too many processes. The server's operator may mend it.",
    )


def test_no_port_left_is_said(stage: Stage) -> None:
    app = stage.app("ports")
    stage.deploy(app, {"web": RUN_WEB}, web=1)
    done = stage.apply(app, stage.scale(app, web=3))
    assert done.state is RolloutState.FAILED
    assert done.error == "web.3 cannot have a port: all from 21990 to 21991 are taken."
    assert [line.outcome for line in done.report] == [Outcome.FAILED, Outcome.KEPT]
    assert stage.get(app)[0] == 200


def test_an_applier_that_lost_its_lease_changes_nothing_more(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = stage.app("lost")
    release, queued = stage.release(app, {"worker": SLEEP}, scales={"worker": 1})
    taking = stage.parts.router

    class Thief:
        """Takes the rollout over while the applier switches."""

        def route(self, *arguments: object, **named: object) -> None:
            with stage.parts.database.write() as tx:
                assert rollouts.give_back(tx, stage.rollout(queued))

        def __getattr__(self, name: str) -> object:
            return getattr(taking, name)

    with pytest.raises(LeaseLost):
        jobs.apply_queued(replace(stage.parts, router=Thief()), app.id)  # type: ignore[arg-type]
    assert stage.version(app) == 0
    assert stage.rollout(queued).state is RolloutState.QUEUED
    assert stage.apply(app, queued).state is RolloutState.SUCCEEDED
    assert stage.version(app) == release.version


def test_the_lease_is_renewed_while_the_work_goes_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW_EVERY_S", 0.01)
    app = stage.app("renewed")
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    with stage.parts.database.write() as tx:
        queued = rollouts.add_rollout(tx, app.id, cause="scale", who="test")
        claimed = rollouts.claim_next(tx, app.id, "me")
    assert claimed
    assert claimed.lease_until
    with leases.held(stage.parts.database, claimed) as lease:
        while (until := stage.rollout(queued).lease_until) == claimed.lease_until:
            lease.check()
        assert until
        assert until > claimed.lease_until
    with stage.parts.database.write() as tx:
        rollouts.record(tx, claimed, RolloutState.SUCCEEDED, [])


def test_a_job_leaves_an_app_to_whoever_has_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PATIENCE_S", 0.05)
    app = stage.app("held")
    _, queued = stage.release(app, {"worker": SLEEP}, scales={"worker": 1})
    with exclusive(stage.parts.apply_lock(app.id)):
        jobs.apply_queued(stage.parts, app.id)
        assert stage.rollout(queued).state is RolloutState.QUEUED
    assert stage.apply(app, queued).state is RolloutState.SUCCEEDED
