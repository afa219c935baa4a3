"""What a push would change, of an app some of which is paused."""

from collections.abc import Mapping
from datetime import UTC, datetime

from hooks.forecast import Next, Present, forecast
from stratum.model import (
    App,
    Environment,
    Formation,
    Release,
    ReleaseState,
    Strategy,
    Target,
    TargetSettings,
)

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HOME = Environment(1, "MyProdEnv", "production", True, NOW)
APP = App(2, "app02", HOME, "master", 9, False, NOW)


def said(
    formation: Formation,
    *targets: str,
    scale: Mapping[str, int | str] = {},
    settings: Mapping[str, TargetSettings] = {},
    most: int = 100,
) -> str:
    lines = tuple(Target(name, f"run {name}") for name in ("web", "worker"))
    state = ReleaseState.LIVE
    release = Release(9, 2, 3, None, "c" * 40, "s" * 64, 0, lines, "push", "me", state, NOW, "app02")
    new = tuple(Target(name, f"run {name}") for name in targets)
    return "\n".join(
        forecast(Present(APP, release, formation, (), most), Next("d" * 40, new, scale, settings))
    )


def test_what_is_paused_is_not_started_and_a_scale_asked_for_is_remembered():
    formation = Formation({"web": 1, "worker": 3}, frozenset({"worker"}))

    told = said(formation, "web", "worker", "clock", scale={"worker": 5})

    assert "web.1 restarted" in told
    assert "worker: paused; stratum resume worker would start 5" in told
    assert "worker.1" not in told
    assert "Scale: worker 3 → 5, clock 0 → 1" in told
    assert "clock.1 added" in told


def test_a_change_of_scale_is_one_of_what_is_wished_now():
    told = said(Formation({"web": 1, "worker": 3}), "web", "worker", scale={"worker": "+2", "web": "-4"})

    assert "Scale: web 1 → 0, worker 3 → 5" in told


def test_what_joins_an_app_all_of_which_is_paused_is_paused():
    formation = Formation({"web": 1, "worker": 3}, frozenset({"web", "worker"}))

    told = said(formation, "web", "clock")

    assert "clock: paused; stratum resume clock would start 1" in told
    assert "added" not in told
    assert "Ports: none" in told


def test_a_new_target_begins_as_app_json_of_the_push_says():
    asked = {"clock": TargetSettings(quantity=3), "web": TargetSettings(quantity=7)}

    told = said(Formation({"web": 1, "worker": 0}), "web", "worker", "clock", settings=asked)

    assert "Scale: clock 0 → 3" in told
    assert "clock.1 to clock.3 added" in told


def test_what_an_app_has_no_room_for_is_paused():
    told = said(Formation({"web": 2, "worker": 1, "clock": 2}), "web", "worker", "clock", "mailer", most=4)

    assert "clock: paused; stratum resume clock would start 2" in told
    assert "mailer.1 added" in told


def test_how_targets_are_kept_is_what_app_json_of_the_push_and_the_api_say():
    targets = tuple(Target(name, f"run {name}") for name in ("web", "worker", "clock", "mailer"))
    state = ReleaseState.LIVE
    release = Release(9, 2, 3, None, "c" * 40, "s" * 64, 0, targets, "push", "me", state, NOW, "app02")
    told = {"clock": TargetSettings(restart_on_deploy=False)}
    formation = Formation({"web": 1, "worker": 1, "clock": 2, "mailer": 3}, told=told)
    asked = {
        "web": TargetSettings(strategy=Strategy.REPLACE),
        "worker": TargetSettings(strategy=Strategy.OVERLAP),
        "mailer": TargetSettings(strategy=Strategy.OVERLAP, max_surge="50%"),
    }

    lines = forecast(Present(APP, release, formation, (), 100), Next("d" * 40, targets, {}, asked))

    assert [line.strip() for line in lines[1:5]] == [
        "web.1 restarted; the old one stops before the new one starts",
        "worker.1 restarted; the new one starts beside the old, which serves until the switch",
        "clock.1 to clock.2 left as they are, since restart_on_deploy is false",
        "mailer.1 to mailer.3 restarted, 2 at a time; each starts beside the old one, which serves "
        "until then",
    ]
