"""Who waits for a place for its release phase."""

import pytest

from stratum.model import (
    App,
    Check,
    CheckKind,
    Contents,
    Phase,
    Release,
    RolloutState,
    Target,
    TargetSettings,
)
from stratum.store import Database, builds, environments, formation, releases, rollouts
from stratum.store.phases import call_off, waiting

PHASED, PLAIN = (Target("release", "sleep 9"), Target("web", "x")), (Target("web", "x"),)


@pytest.fixture
def apps(db: Database) -> list[App]:
    with db.write() as tx:
        home = environments.add_environment(tx, "MyProdEnv", "production", start_all=False)
        return [environments.add_app(tx, home, f"app{number}") for number in range(4)]


def queue(db: Database, app: App, targets: tuple[Target, ...] = PHASED) -> Release:
    with db.write() as tx:
        build = builds.add_build(tx, app.id, "c" * 40, source="push", who="me")
        made = releases.add_release(
            tx, app.id, slug="a" * 64, commit="c" * 40, targets=targets, cause="push", who="me"
        )
        rollouts.add_rollout(tx, app.id, cause="push", who="me", release_id=made.id, build_id=build.id)
        return made


def who_waits(db: Database, most: int = 1) -> list[int]:
    with db.read() as tx:
        return list(waiting(tx, most))


def claim(db: Database, app: App) -> None:
    with db.write() as tx:
        assert rollouts.claim_next(tx, app.id, "1:1")


def test_places_go_to_those_that_have_begun_then_to_the_oldest(db: Database, apps: list[App]) -> None:
    first, second, third, _ = apps
    for app in (second, first, third):
        queue(db, app)
    assert who_waits(db) == [first.id, third.id]
    claim(db, first)
    assert who_waits(db) == [second.id, third.id]
    assert who_waits(db, most=2) == [third.id]
    assert who_waits(db, most=3) == []


def test_a_phase_that_has_succeeded_gives_its_place_up(db: Database, apps: list[App]) -> None:
    first, second, *_ = apps
    release = queue(db, first)
    queue(db, second)
    claim(db, first)
    with db.write() as tx:
        releases.set_phase(tx, release.id, Phase.RUNNING)
    assert who_waits(db) == [second.id]
    with db.write() as tx:
        releases.set_phase(tx, release.id, Phase.SUCCEEDED)
    assert who_waits(db) == []


def test_one_whose_applier_was_lost_keeps_its_place(db: Database, apps: list[App]) -> None:
    first, second, *_ = apps
    queue(db, second)
    release = queue(db, first)
    with db.write() as tx:
        releases.set_phase(tx, release.id, Phase.RUNNING)
    assert who_waits(db) == [second.id]


def test_only_what_comes_next_and_has_a_phase_waits(db: Database, apps: list[App]) -> None:
    first, plain, scaled, destroyed = apps
    queue(db, first)
    claim(db, first)
    queue(db, plain, PLAIN)
    with db.write() as tx:
        rollouts.add_rollout(tx, scaled.id, cause="scale", who="me")
    queue(db, scaled)
    queue(db, destroyed)
    with db.write() as tx:
        environments.mark_destroying(tx, destroyed.id)
    assert who_waits(db) == []
    with db.write() as tx:
        scale = rollouts.claim_next(tx, scaled.id, "1:1")
        assert scale
        rollouts.record(tx, scale, RolloutState.SUCCEEDED, [])
    assert who_waits(db) == [scaled.id]


def test_what_was_called_off_waits_for_no_place(db: Database, apps: list[App]) -> None:
    first, second, third, _ = apps
    for app in (first, second, third):
        queue(db, app)
    with db.write() as tx:
        (waits, also) = waiting(tx, 1).values()
        assert waits
        assert call_off(tx, waits, "canceled by me")
        assert call_off(tx, waits, "canceled by another")
        assert list(waiting(tx, 1).values()) == [also]
        rollout = rollouts.rollout_of_build(tx, waits)
        assert rollout
        assert rollout.error == "canceled by me"


def test_only_what_may_take_long_can_be_called_off(db: Database, apps: list[App]) -> None:
    queue(db, apps[0], PLAIN)
    with db.write() as tx:
        rollout = rollouts.claim_next(tx, apps[0].id, "1:1")
        assert rollout
        assert rollout.build_id
        assert not call_off(tx, rollout.build_id, "canceled by me")


def test_startup_checks_take_a_place_until_they_have_ended_and_can_be_called_off(
    db: Database, apps: list[App]
) -> None:
    checked, phased, *_ = apps
    asked = Contents(settings={"web": TargetSettings((Check(CheckKind.PATH),))})
    with db.write() as tx:
        build = builds.add_build(tx, checked.id, "c" * 40, source="push", who="me")
        made = releases.add_release(
            tx,
            checked.id,
            slug="a" * 64,
            commit="c" * 40,
            targets=PLAIN,
            cause="push",
            who="me",
            contents=asked,
        )
        rollouts.add_rollout(tx, checked.id, cause="push", who="me", release_id=made.id, build_id=build.id)
    queue(db, phased)
    assert who_waits(db) == [phased.id]
    with db.write() as tx:
        rollout = rollouts.claim_next(tx, checked.id, "1:1")
        assert rollout
        assert call_off(tx, build.id, "canceled by me")
    assert who_waits(db) == [phased.id]
    with db.write() as tx:
        rollouts.record(tx, rollout, RolloutState.LIVE, [])
        assert not call_off(tx, build.id, "canceled by me")
    assert who_waits(db) == []


def test_a_scale_of_an_app_with_checks_takes_a_place(db: Database, apps: list[App]) -> None:
    checked, phased, *_ = apps
    asked = Contents(settings={"web": TargetSettings((Check(CheckKind.PATH),))})
    with db.write() as tx:
        made = releases.add_release(
            tx,
            checked.id,
            slug="a" * 64,
            commit="c" * 40,
            targets=PLAIN,
            cause="push",
            who="me",
            contents=asked,
        )
        environments.set_current_release(tx, checked.id, made.id)
        rollouts.add_rollout(tx, checked.id, cause="scale", who="me")
    queue(db, phased)
    assert who_waits(db) == [phased.id]


@pytest.mark.parametrize(
    ("said", "told", "rounds"), [("1", "", True), ("", "25%", True), ("100%", "", False), ("", "", False)]
)
def test_rounds_take_a_place_until_they_are_through_and_can_be_called_off(
    db: Database, apps: list[App], said: str, told: str, rounds: bool
) -> None:
    rolling, phased, *_ = apps
    with db.write() as tx:
        build = builds.add_build(tx, rolling.id, "c" * 40, source="push", who="me")
        made = releases.add_release(
            tx,
            rolling.id,
            slug="a" * 64,
            commit="c" * 40,
            targets=PLAIN,
            cause="push",
            who="me",
            contents=Contents(settings={"web": TargetSettings(max_surge=said)}),
        )
        formation.tell(tx, rolling.id, "web", TargetSettings(max_surge=told))
        rollouts.add_rollout(tx, rolling.id, cause="push", who="me", release_id=made.id, build_id=build.id)
    queue(db, phased)
    assert who_waits(db) == [phased.id] * rounds
    with db.write() as tx:
        rollout = rollouts.claim_next(tx, rolling.id, "1:1")
        assert rollout
        assert call_off(tx, build.id, "canceled by me") == rounds
        rollouts.record(tx, rollout, RolloutState.LIVE, [])
        assert not call_off(tx, build.id, "canceled by me")
    assert who_waits(db) == []


@pytest.mark.parametrize(
    ("said", "told", "slow"),
    [
        ("term,3600,kill", "", True),
        ("", "quit,45,term,45,kill", True),
        ("term,60,kill", "term,5,kill", False),
    ],
)
def test_what_may_be_stopped_slowly_takes_a_place_to_its_end(
    db: Database, apps: list[App], said: str, told: str, slow: bool
) -> None:
    """An app could keep as many appliers as it has targets, or apps, for an hour each."""
    stopping, phased, *_ = apps
    with db.write() as tx:
        made = releases.add_release(
            tx,
            stopping.id,
            slug="a" * 64,
            commit="c" * 40,
            targets=PLAIN,
            cause="push",
            who="me",
            contents=Contents(settings={"web": TargetSettings(stop_sequence=said)}),
        )
        environments.set_current_release(tx, stopping.id, made.id)
        formation.tell(tx, stopping.id, "web", TargetSettings(stop_sequence=told))
        rollouts.add_rollout(tx, stopping.id, cause="scale", who="me")
        rollout = rollouts.claim_next(tx, stopping.id, "1:1")
        assert rollout
    queue(db, phased)
    assert who_waits(db) == [phased.id] * slow
    with db.write() as tx:
        rollouts.record(tx, rollout, RolloutState.LIVE, [])
    assert who_waits(db) == [phased.id] * slow
    with db.write() as tx:
        rollouts.record(tx, rollout, RolloutState.SUCCEEDED, [])
    assert who_waits(db) == []
